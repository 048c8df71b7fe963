//! The solutions: of every exercise the patch, and of every step our own. Each is compiled from the manifest that a
//! reader begins with. What it is to turn is not so of the start, and is so of the solution.
//!
//! A start is the step before under another name, so what the contract says of that is said of the start: see
//! `starts.rs` for the folders themselves. The rows that steps 3, 4 and 6 turn take minutes, and are those that
//! `cargo xtask test` holds all steps to; here they are checked only with `SEEN_ALL_STARTS=1`.

mod support;

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::Instant,
};

use contract::{FaultRun, Source};
use own_step::{Exercise, Goal, Judge, Row, exercise};
use private_redis::RedisProgram;
use steps::{Language, Profile, Step};
use support::{ATTEMPTS, is_all, is_skipped, named, root, workshop};
use workshop::{Workshop, solved};

/// How many are judged at the same time. They mostly wait, and each has a Redis and ports of its own.
const AT_ONCE: usize = 6;

/// The steps whose rows are checked in seconds.
const QUICK: [u32; 2] = [2, 5];

/// A goal, with a program that does not reach it and one that does.
struct Case {
    goal: Goal,
    name: String,
    before: PathBuf,
    after: PathBuf,
}

#[test]
fn every_exercise_and_every_step_can_be_done() {
    let mut workshop = Workshop::new("solutions");
    let mut goals = Vec::new();
    let folders = tempfile::tempdir().unwrap();
    for name in exercise::names(root()).unwrap() {
        let goal = Goal::of_exercise(root(), &name).unwrap();
        let folder = folders.path().join(&name);
        let solution = solved(&folder, &goal, goal.exercise.as_ref().unwrap());
        workshop.add(&name, &goal, &solution.unwrap());
        goals.push((name, goal));
    }
    // That of step 1 is compiled by `starts.rs`.
    for number in 2..=6 {
        let (name, goal) = (format!("solution-{number}"), step(number));
        workshop.add(&name, &goal, &goal.step);
        goals.push((name, goal));
    }
    let program = workshop.build();
    if is_skipped() {
        return;
    }
    let starts = starts();
    let cases = goals.into_iter().map(|(name, goal)| Case {
        before: starts(&goal.start),
        after: program(&name),
        name,
        goal,
    });
    let is_wanted = |case: &Case| {
        case.goal.exercise.is_some() || is_all() || QUICK.contains(&case.goal.step.number)
    };
    judge_all(&cases.filter(is_wanted).collect::<Vec<_>>());
    a_false_declaration_is_found(&program("step-1-peek"));
}

fn step(number: u32) -> Goal {
    Goal::of(root(), &number.to_string()).unwrap()
}

/// The programs that one starts from: our steps, as the contract run builds them.
fn starts() -> impl Fn(&Step) -> PathBuf {
    let mut steps = steps::all(root()).unwrap();
    steps.retain(|step| step.language == Language::Rust);
    let programs = steps::programs(root(), &steps, Profile::Debug).unwrap();
    let programs = programs.expect("cargo has said why");
    move |wanted| {
        let place = steps.iter().position(|step| step.name == wanted.name);
        programs[place.unwrap()].path.clone()
    }
}

fn judge_all(cases: &[Case]) {
    let queue = Mutex::new(cases.iter());
    let next = || queue.lock().unwrap().next();
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(cases.len()) {
            scope.spawn(|| {
                while let Some(case) = next() {
                    wrong.lock().unwrap().extend(judge(case));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is wrong with a case: rows that the start meets already, and rows that the solution does not meet.
fn judge(
    Case {
        goal,
        name,
        before,
        after,
    }: &Case,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in &goal.turns {
        if let Some(evidence) = met(goal, &goal.start.name, before, row) {
            wrong.push(format!("{name}: {} is so at the start: {evidence}", row.id));
        }
    }
    for row in &goal.turns {
        wrong.extend(unmet(goal, name, after, row));
    }
    // What a step keeps, the contract run checks.
    for row in goal.keeps.iter().filter(|_| goal.exercise.is_some()) {
        wrong.extend(unmet(goal, name, after, row));
    }
    wrong
}

/// What was seen of a row that is met.
fn met(goal: &Goal, name: &str, program: &Path, row: &Row) -> Option<String> {
    let (found, met) = found(goal, name, program, row);
    (met > 0).then_some(found)
}

/// What is wrong with a row that is not met, also when it is tried again: a busy machine can be the reason once.
fn unmet(goal: &Goal, name: &str, program: &Path, row: &Row) -> Option<String> {
    let (started, mut seen) = (Instant::now(), String::new());
    for _ in 0..ATTEMPTS {
        let (found, met) = found(goal, name, program, row);
        if met > 0 {
            let seconds = started.elapsed().as_secs();
            println!("{name}: {}: {found} ({seconds} s)", row.id);
            return None;
        }
        seen = found;
    }
    Some(format!(
        "{name}: expected `{} {}`, but found {seen}\nmend the solution, or what it declares and its page says",
        row.wanted, row.id
    ))
}

fn found(goal: &Goal, name: &str, program: &Path, row: &Row) -> (String, usize) {
    let judge = Judge {
        subject: Judge::subject(goal, name, program.to_owned()),
        redis: Source::Private(RedisProgram::find().unwrap()),
        fault_run: FaultRun::from_env().unwrap(),
        times: 1,
    };
    let (finding, met) = judge.row(row).unwrap();
    (format!("{} {}", finding.verdict, finding.evidence), met)
}

/// A solution that does what it does not declare.
fn a_false_declaration_is_found(program: &Path) {
    let goal = declared("step-1-peek", "has: counts", "lacks: unique\nhas: counts");
    let goal = goal.unwrap();
    let row = goal.turns.iter().find(|row| row.id == "unique").unwrap();
    let (found, met) = found(&goal, "false", program, row);
    assert!(met == 0 && found.starts_with("has"), "{found}");
}

/// The goal of an exercise in whose patch something was changed.
fn declared(name: &str, from: &str, to: &str) -> anyhow::Result<Goal> {
    let right = Exercise::named(root(), name).unwrap().patch;
    assert!(right.contains(from), "the patch has no {from:?}");
    let exercise = Exercise::parse(name, &right.replace(from, to));
    Goal::of_parsed(root(), exercise.unwrap())
}

#[test]
fn a_patch_that_is_wrong_is_found() {
    let unknown = declared("step-1-peek", "has: ", "has: uniqe ").unwrap_err();
    assert!(format!("{unknown:#}").contains("no row \"uniqe\""));
    let nothing = declared("step-1-race", "lacks: unique", "").unwrap_err();
    assert!(format!("{nothing:#}").contains("so without it"));

    let folder = tempfile::tempdir().unwrap();
    let goal = declared(
        "step-1-last",
        "-    seen: Arc<AtomicU64>",
        "-    seen: Arc<AtomicU32>",
    );
    let goal = goal.unwrap();
    let exercise = goal.exercise.as_ref().unwrap();
    let stale = solved(folder.path(), &goal, exercise).unwrap_err();
    assert!(
        stale.contains("no longer applies to steps/step-1-memory/src/lib.rs"),
        "{stale}"
    );
}

/// The goals of all steps and exercises.
fn goals() -> impl Iterator<Item = Goal> {
    let exercises = exercise::names(root()).unwrap().into_iter();
    let exercises = exercises.map(|name| Goal::of_exercise(root(), &name).unwrap());
    (1..=6).map(step).chain(exercises)
}

#[test]
fn a_start_has_the_sources_of_its_step_under_another_name() {
    for goal in goals() {
        let files = own_step::files(root(), &goal, "mine").unwrap();
        let run = format!("cargo xtask run step-{}", goal.start.number);
        let mut count = 0;
        for (file, text) in named(&goal.start, "mine") {
            assert_eq!(files[&file], text.replace(&run, "cargo run"));
            count += 1;
        }
        let sources = files.keys().filter(|file| file.starts_with("src"));
        assert_eq!(sources.count(), count);
    }
}

#[test]
fn no_solution_lies_in_the_folder_of_a_reader() {
    // The sources are those of the step: see above.
    for goal in goals() {
        let files = own_step::files(root(), &goal, "mine").unwrap();
        let page = &files[Path::new("GOAL.md")];
        let pieces = goal.exercise.iter().flat_map(Exercise::pieces);
        for (_, piece) in pieces {
            let added = piece.text.lines().filter_map(|line| line.strip_prefix('+'));
            // Shorter ones are brackets and the like.
            let mut lines = added.filter(|line| line.trim().len() > 30);
            assert!(lines.all(|line| !page.contains(line.trim())), "{page}");
        }
        assert!(files.keys().all(|file| !file.ends_with("solution.patch")));
    }
}

#[test]
fn a_row_that_is_to_be_guessed_is_asked_for_and_not_told() {
    let mut asking = Vec::new();
    for goal in goals() {
        let page = &own_step::files(root(), &goal, "mine").unwrap()[Path::new("GOAL.md")];
        for row in goal.turns.iter().filter(|row| row.is_to_guess) {
            let name = &goal.exercise.as_ref().unwrap().name;
            let task = goal.exercise.as_ref().unwrap().task(root()).unwrap();
            assert!(task.contains('?'), "{name} asks nothing: {task}");
            assert!(
                page.contains("| yours to guess | ") && page.contains("Write your guess down"),
                "{page}"
            );
            for told in [&format!("`{}`", row.id), &row.statement] {
                assert!(!page.contains(told), "{name} tells {told}: {page}");
            }
            asking.push(name.clone());
        }
    }
    asking.dedup();
    let expected = [
        "step-2-get-set",
        "step-5-advance",
        "step-5-full",
        "step-5-who-left",
        "step-6-own-limits",
    ];
    assert_eq!(asking, expected);
}
