//! `cargo xtask check`: the contract, for our steps, for any server, and for a step of one's own.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use contract::{
    Cell, FaultRun, Finding, Report, Source, Verdict,
    check::{self, CheckOptions},
    results,
};
use output::terminal::{self, BOLD, DIM, GREEN, RED, RESET, YELLOW};
use processes::interrupt;
use serde_json::{Deserializer, Value};
use steps::cargo;

use crate::{
    Goal, Judge, OwnStep, Row,
    folder::{Standing, TO_GUESS},
    speed, watch,
};

/// How the rows are called that the step is to turn.
const GOAL: &str = "the goal";

/// What is said of one of them that is not met.
const NOT_YET: &str = "not yet";

/// Check what steps do, from outside, over HTTP: ours, a server that runs, or a step of your own
#[derive(Args)]
pub struct CheckArguments {
    #[command(flatten)]
    contract: CheckOptions,
    /// Check the step of your own in this folder; inside the folder, check does that by itself
    #[arg(long, value_name = "DIR", conflicts_with_all = ["steps", "url", "proxy"])]
    dir: Option<PathBuf>,
    /// Of a step of your own, only the goal
    #[arg(long, conflicts_with = "only")]
    goal: bool,
    /// Of a step of your own, only how fast it is beside the step before
    #[arg(long, conflicts_with_all = ["only", "goal", "watch", "repeat"])]
    speed: bool,
    /// Check the goal of a step of your own again whenever you save a file
    #[arg(long)]
    watch: bool,
    /// Check each row of a step of your own so many times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    repeat: Option<u64>,
    /// What the faults of the bad wire are thrown with, as it was printed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

/// Checks, prints what was found, and fails if anything is not as it should be.
///
/// # Errors
///
/// For wrong use, or when there is nothing that could be checked.
pub fn check(root: &Path, options: &CheckArguments) -> Result<ExitCode> {
    let contract = &options.contract;
    let is_ours = !contract.steps.is_empty() || contract.url.is_some() || contract.proxy.is_some();
    let find = || OwnStep::find(options.dir.as_deref());
    let Some(own) = (if is_ours { None } else { find()? }) else {
        let has_number = options.repeat.or(options.seed).is_some();
        let only_own = options.goal || options.speed || options.watch || has_number;
        ensure!(
            !only_own,
            "--goal, --speed, --watch, --repeat and --seed are for a step of your own; name its folder with --dir"
        );
        return check::run(root, &options.contract);
    };
    own.remember(root)?;
    if options.watch {
        let is_open = options.contract.only.is_empty() && !options.goal;
        return watch::watch(root, &own, is_open.then_some("--goal"));
    }
    interrupt::exit_on_interrupt()?;
    if options.speed {
        let is_measured = speed::measure(root, &own, &own.goal(root)?)?;
        return Ok(ExitCode::from(u8::from(!is_measured)));
    }
    one(root, own, options)
}

/// Builds the step and judges it, row by row.
fn one(root: &Path, mut own: OwnStep, options: &CheckArguments) -> Result<ExitCode> {
    let goal = own.goal(root)?;
    own.say_if_older(root, &goal)?;
    let only = &options.contract.only;
    let known: Vec<&str> = goal.rows().map(|row| row.id).collect();
    if let Some(unknown) = only.iter().find(|id| !known.contains(&id.as_str())) {
        bail!(output::unknown("row of this step", unknown, &known));
    }
    // Or cargo would look for a package in the folders around it.
    own.source_files()?;
    let Some((name, program)) = build(&own.folder, |_| {})? else {
        return Ok(ExitCode::FAILURE);
    };
    let sources = own.sources()?;
    let source = Source::choose(root, &options.contract.redis)?;
    terminal::progress(&format!("Redis: {}", source.description()));
    let mut fault_run = FaultRun::from_env().map_err(|error| anyhow!(error))?;
    fault_run.seed = options.seed.unwrap_or(fault_run.seed);
    let judge = Judge {
        subject: Judge::subject(&goal, &name, program),
        redis: source,
        fault_run,
        times: options.repeat.unwrap_or(1),
    };
    let mut cells = Vec::new();
    for (title, rows) in [(GOAL, &goal.turns), ("what may not get worse", &goal.keeps)] {
        if options.goal && title != GOAL {
            continue;
        }
        let wanted = |row: &&Row| only.is_empty() || only.iter().any(|id| id == row.id);
        let rows: Vec<&Row> = rows.iter().filter(wanted).collect();
        if !rows.is_empty() {
            anstream::println!("\n{BOLD}{name}{RESET}: {title}");
        }
        for row in rows {
            if judge.times > 1 {
                terminal::progress(&format!("{}, {} times", own.name_of(row), judge.times));
            }
            let Some((finding, met)) = judge.row(row) else {
                continue;
            };
            let unmet = if title == GOAL { NOT_YET } else { "worse" };
            own.note(row, &finding, &sources);
            print((row, own.name_of(row)), &finding, unmet, (met, judge.times));
            cells.push(Cell {
                id: row.id.to_owned(),
                as_expected: row.is_met_by(&finding),
                finding,
            });
        }
    }
    own.save()?;
    own.keep_seen(&cells)?;
    let report = Report {
        subject: name,
        cells,
    };
    if let Some(file) = &options.contract.json {
        results::write(file, std::slice::from_ref(&report))?;
    }
    let is_whole = only.is_empty() && !options.goal && report.is_as_expected();
    if is_whole && goal.is_about_speed() {
        // Whatever comes of it, the rows are met.
        speed::measure(root, &own, &goal)?;
    }
    Ok(end(&own, &goal, &sources, &report))
}

/// Says how it stands, and what is next.
fn end(own: &OwnStep, goal: &Goal, sources: &str, report: &Report) -> ExitCode {
    let met = report.cells.iter().filter(|cell| cell.as_expected).count();
    let all = report.cells.len();
    anstream::println!("\n{BOLD}{}{RESET}: {met} of {all} rows", report.subject);
    if met < all {
        anstream::println!("  {DIM}cargo xtask hint{RESET} helps, a little more each time");
        return ExitCode::FAILURE;
    }
    let is_met = |row: &Row| own.standing(row, sources) == Standing::Met;
    if goal.rows().all(is_met) {
        anstream::println!(
            "  That is all of {}. Yours beside ours: cargo xtask progress --diff",
            goal.title()
        );
    } else {
        anstream::println!("  {DIM}cargo xtask check{RESET} checks the rows that are left, too");
    }
    ExitCode::SUCCESS
}

/// Builds the package in the folder. Returns its name and its program; `None` when it does not compile:
/// cargo has said why. `how` may ask for more than a debug build.
pub fn build(folder: &Path, how: impl Fn(&mut Command)) -> Result<Option<(String, PathBuf)>> {
    let mut command = cargo(folder);
    command.args(["build", "--message-format=json-render-diagnostics"]);
    how(&mut command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    interrupt::exit_if_interrupted(output.status);
    if !output.status.success() {
        terminal::error("it does not compile, so nothing was checked; see above");
        return Ok(None);
    }
    let manifest = folder.join("Cargo.toml");
    for message in Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        let message = message.context("cannot read what cargo built")?;
        let made_from = message["manifest_path"].as_str().map(Path::new);
        let program = message["executable"].as_str();
        if let (true, Some(program)) = (made_from == Some(&manifest), program) {
            let name = message["target"]["name"].as_str().unwrap_or_default();
            return Ok(Some((name.to_owned(), program.into())));
        }
    }
    bail!(
        "the package in {} has no program; it needs a src/main.rs",
        folder.display()
    )
}

/// One line a row, and below it what was expected and what was seen, if it is not met.
fn print((row, id): (&Row, &str), finding: &Finding, unmet: &str, (met, times): (usize, u64)) {
    let (verdict, evidence) = (finding.verdict, &finding.evidence);
    let count = match times {
        1 => String::new(),
        _ => format!("met in {met} of {times} "),
    };
    let first = evidence.lines().next().unwrap_or_default();
    let colour = match verdict {
        _ if row.is_met_by(finding) => GREEN,
        Verdict::LeftOut => YELLOW,
        _ => RED,
    };
    if colour != RED {
        anstream::println!("  {colour}{verdict:<9}{RESET} {id:<22} {DIM}{count}{first}{RESET}");
        return;
    }
    anstream::println!("  {RED}{unmet:<9} {id:<22}{RESET} {count}");
    if id == TO_GUESS {
        anstream::println!(
            "    it is met now, and is to be so no more; a hint tells which one it is"
        );
        return;
    }
    anstream::println!("    expected: {}", row.statement);
    for question in &row.questions {
        anstream::println!("              {question}");
    }
    anstream::println!("    seen:");
    // Where there is nothing to say of it, that is what was seen.
    let seen = match evidence.is_empty() {
        true => verdict.to_string(),
        false => evidence.clone(),
    };
    for line in seen.lines() {
        anstream::println!("    {RED}|{RESET} {line}");
    }
    if unmet != NOT_YET && times == 1 {
        anstream::println!(
            "    {DIM}was it luck, or a busy machine? cargo xtask check --only {id} --repeat 5{RESET}"
        );
    }
}
