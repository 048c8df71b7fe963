//! What one sees of a folder for a step of one's own before anything is compiled.

mod support;

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use own_step::Goal;
use support::{Own, cargo, root, seen, xtask};

/// The packages of a lock file that come from a registry, with their versions and check sums.
fn locked(folder: &Path) -> BTreeSet<String> {
    let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    let packages = lock.split("[[package]]").map(|package| {
        let lines = package.lines();
        let facts = lines.filter(|line| {
            ["name", "version", "checksum"]
                .iter()
                .any(|fact| line.starts_with(fact))
        });
        facts.collect::<Vec<_>>().join(" ")
    });
    packages
        .filter(|package| package.contains("checksum"))
        .collect()
}

#[test]
fn every_start_has_the_versions_of_this_repository_and_a_goal() {
    let ours = locked(root());
    for number in 1..=6 {
        let own = Own::start(number, &format!("start-{number}"));
        let theirs = locked(&own.folder());
        assert!(
            !theirs.is_empty() && theirs.is_subset(&ours),
            "{number}: {theirs:?}"
        );
        own.ensure_complete();
        let page = fs::read_to_string(own.folder().join("GOAL.md")).unwrap();
        assert!(
            page.contains(&format!("# Your step {number}")) && page.contains("| `"),
            "{page}"
        );
        for file in ["src/lib.rs", "src/main.rs", "tests/page.rs"] {
            let text = fs::read_to_string(own.folder().join(file)).unwrap();
            assert!(!text.contains("ANCHOR"), "{file}: {text}");
            let start = format!("step_{}_", number - 1);
            assert!(!text.contains(&start), "{file}: {text}");
        }
    }
}

fn turns(step: &str) -> String {
    let goal = Goal::of(root(), step).unwrap();
    let ids: Vec<&str> = goal.turns.iter().map(|row| row.id).collect();
    ids.join(" ")
}

#[test]
fn a_step_turns_what_it_has_and_the_one_before_has_not_or_not_to_the_letter() {
    for (step, expected) in [
        ("1", "greets counts unique ignores-strangers"),
        ("2", "survives-restart shared"),
        ("3", "drains"),
        ("5", "few-round-trips"),
        ("6", "cluster"),
    ] {
        assert_eq!(turns(step), expected);
    }
    // Rocket answers POST with 404, and loses requests when it stops. Nor does it know of a bad wire.
    for id in ["ignores-strangers", "drains", "bad-wire"] {
        assert!(turns("4").contains(id));
    }
}

#[test]
fn an_exercise_is_prepared_like_a_step() {
    let own = Own::exercise("step-1-peek");
    own.ensure_complete();
    let text = |file: &str| fs::read_to_string(own.folder().join(file)).unwrap();
    let page = text("GOAL.md");
    for words in [
        "# A page that does not count",
        "| `answers` |",
        "`GET /peek 200 1`",
        "| `counts` |",
    ] {
        assert!(page.contains(words), "{page}");
    }
    assert!(!page.contains("cargo xtask start exercise"), "{page}");
    // An earlier checkout must not take it for a step.
    let progress = text("progress.toml");
    assert!(
        progress.contains("format = 2") && progress.contains("exercise = \"step-1-peek\""),
        "{progress}"
    );
    let rows = own.seen(&["progress"], 0);
    assert!(rows.contains("open      answers"), "{rows}");
    let hint = own.seen(&["hint", "4"], 0);
    assert!(hint.contains("route(\"/peek\", get(peek))"), "{hint}");
    let solution = own.seen(&["progress", "--diff"], 0);
    assert!(solution.contains("Our solution") && solution.contains("/peek"));
}

#[test]
fn a_row_that_is_to_be_guessed_has_its_name_once_it_is_found() {
    let own = Own::exercise("step-2-get-set");
    assert!(own.said.contains("goal   yours to guess"), "{}", own.said);
    let before = own.seen(&["progress"], 0);
    assert!(
        before.contains("open      yours to guess") && !before.contains("unique"),
        "{before}"
    );
    let found = "[rows]\nunique = { result = \"has\", date = \"2026-11-26\", sources = \"0\" }";
    own.change("progress.toml", "[rows]", found);
    let after = own.seen(&["progress"], 0);
    assert!(after.contains("stale     unique"), "{after}");
}

#[test]
fn an_exercise_that_is_not_there_is_answered_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str]| seen(xtask(folder.path()).arg("start").args(arguments), 2);
    let all = refused(&["exercise"]);
    assert!(all.contains("step-1-peek, step-1-race"), "{all}");
    let near = refused(&["exercise", "step-1-peak"]);
    assert!(
        near.contains("did you mean") && near.contains("step-1-peek"),
        "{near}"
    );
    let two = refused(&["1", "2"]);
    assert!(two.contains("start takes one step"), "{two}");
}

#[test]
fn a_wrong_place_or_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "").unwrap();
    let refused =
        |arguments: &[&str]| seen(xtask(folder.path()).args(["start"]).args(arguments), 2);
    for (arguments, words) in [
        (&["5", "--dir", "."][..], "is not an empty folder"),
        (
            &["0", "--dir", "x"],
            "the first to write is: cargo xtask start 1",
        ),
        (&["7", "--dir", "x"], "there is no step \"7\""),
        (&["2", "--dir", "tokio"], "taken by another package"),
        (&["2", "--dir", "9"], "choose one of small letters"),
        (
            &["2", "--dir", root().to_str().unwrap()],
            "is in this checkout",
        ),
        (&["--again", "--dir", "."], "there is no progress.toml"),
    ] {
        let text = refused(arguments);
        assert!(text.contains(words) && text.lines().count() == 1, "{text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_git_that_knows_nobody_is_no_reason_to_fail() {
    if processes::programs::on_path("git").is_none() {
        return println!("skipped: git is not on PATH, so no first commit is made");
    }
    let folder = tempfile::tempdir().unwrap();
    let text = seen(
        xtask(folder.path()).args(["start", "1", "--dir", "nobody"]),
        0,
    );
    let folder = folder.path().join("nobody");
    let mut log = Command::new("git");
    let log = log
        .args(["log", "--oneline"])
        .current_dir(&folder)
        .output()
        .unwrap();
    // Some systems let git make up a name.
    assert!(
        log.status.success() || text.contains("commit it yourself"),
        "{text}"
    );
    assert!(folder.join(".git").is_dir());
}

#[test]
fn files_are_put_back_only_after_asking() {
    let own = Own::start(2, "puts-back");
    own.change("src/lib.rs", "{seen} times", "{seen} tmies");
    own.change("src/main.rs", "Start-up", "Startup");
    let text = |file: &str| fs::read_to_string(own.folder().join(file)).unwrap();
    let asked = own.seen(&["start", "--again", "src/lib.rs"], 2);
    assert!(
        asked.contains("add --yes") && text("src/lib.rs").contains("tmies"),
        "{asked}"
    );
    // Another file than this one could be meant, so all are left alone.
    let unclear = own.seen(&["start", "src/lib.rs", "--again", "--yes"], 2);
    assert!(
        unclear.contains("cannot be used with") && text("src/main.rs").contains("Startup"),
        "{unclear}"
    );
    own.seen(&["start", "--again", "./src/lib.rs", "--yes"], 0);
    assert!(text("src/lib.rs").contains("{seen} times") && text("src/main.rs").contains("Startup"));
    let all = own.seen(&["start", "--again", "--yes"], 0);
    assert!(
        all.contains("src/main.rs") && text("src/main.rs").contains("Start-up"),
        "{all}"
    );
    let nothing = own.seen(&["start", "--again", "--yes"], 0);
    assert!(nothing.contains("nothing to put back"), "{nothing}");
    let unknown = own.seen(&["start", "--again", "src/x.rs", "--yes"], 2);
    assert!(
        unknown.contains("step 2 begins without src/x.rs"),
        "{unknown}"
    );
}

#[test]
fn hints_give_away_a_little_more_each_time() {
    let own = Own::start(5, "hints");
    let first = own.seen(&["hint"], 0);
    assert!(
        first.contains("few-round-trips") && first.contains("Hint 1 of"),
        "{first}"
    );
    let second = own.seen(&["hint"], 0);
    assert!(
        second.contains("Predict first") && second.contains("What is the best time to wait"),
        "{second}"
    );
    let third = own.seen(&["hint"], 0);
    assert!(
        third.contains("Store.add") && !third.contains("@@"),
        "{third}"
    );
    let fourth = own.seen(&["hint"], 0);
    assert!(fourth.contains("\n+"), "{fourth}");
    assert_eq!(own.seen(&["hint", "1"], 0), first);
    let fifth = own.seen(&["hint"], 0);
    assert!(fifth.contains("Hint 5 of"), "{fifth}");
    let none = own.seen(&["hint", "999"], 2);
    assert!(none.contains("there is no hint 999"), "{none}");
}

#[test]
fn yours_is_shown_beside_ours_and_what_only_ours_has() {
    let own = Own::start(5, "beside");
    own.change("src/store.rs", "async fn increment", "async fn count_one");
    let beside = own.seen(&["progress", "--diff"], 0);
    let (lines, only_ours) = beside
        .split_once("What ours has and yours may do without:")
        .unwrap();
    let sides: Vec<_> = lines
        .lines()
        .filter_map(|line| line.split_once(" | "))
        .collect();
    assert!(sides.iter().any(|(yours, _)| yours.contains("count_one")));
    assert!(sides.iter().any(|(_, ours)| ours.contains("async fn add")));
    assert!(only_ours.contains("src/batcher.rs"), "{beside}");
}

#[test]
fn a_checkout_that_is_gone_is_named_with_what_to_do() {
    let own = Own::start(1, "left-alone");
    fs::write(own.folder().join(".checkout"), "/no/such/checkout\n").unwrap();
    let mut there = cargo(&own.folder());
    // Its xtask is not ours, and must not take its place.
    there.env("CARGO_TARGET_DIR", own.folder().join("target"));
    let text = seen(there.args(["xtask", "check"]), 2);
    assert!(
        text.contains("/no/such/checkout") && text.contains("cargo xtask check --dir"),
        "{text}"
    );
    // Any checkout that is asked is remembered.
    seen(xtask(&own.folder()).arg("progress"), 0);
    let asked = fs::read_to_string(own.folder().join(".checkout")).unwrap();
    assert_eq!(asked.trim(), root().to_str().unwrap());
}

#[test]
fn progress_of_a_later_or_damaged_folder_is_explained() {
    let own = Own::start(1, "of-another-time");
    own.change("progress.toml", "format = 1", "format = 3");
    let later = own.seen(&["progress"], 2);
    assert!(later.contains("bring this one up to date"), "{later}");
    own.change("progress.toml", "format = 3", "<<<<<<< HEAD");
    let damaged = own.seen(&["progress"], 2);
    assert!(
        damaged.contains("progress.toml:2 cannot be understood: ")
            && damaged.contains("; mend it")
            && damaged.lines().count() == 1,
        "{damaged}"
    );
    own.change("progress.toml", "<<<<<<< HEAD", "format = 1");
    // A row that the contract has no more harms nobody.
    own.change(
        "progress.toml",
        "[rows]",
        "[rows]\ngone = { result = \"has\", date = \"2025-01-01\", sources = \"0\" }",
    );
    let rows = own.seen(&["progress"], 0);
    assert!(!rows.contains("gone"), "{rows}");
    own.change("progress.toml", "step-1-memory", "step-1-gone");
    let gone = own.seen(&["check"], 2);
    assert!(
        gone.contains("step-1-gone is no step of this checkout any more")
            && gone.contains("what it is called now into progress.toml")
            && gone.lines().count() == 1,
        "{gone}"
    );
}

#[test]
fn a_manifest_that_is_gone_is_named_with_what_to_do() {
    let own = Own::start(1, "without-manifest");
    // A package around the folder is not the one that is meant.
    fs::write(own.folder().with_file_name("Cargo.toml"), "").unwrap();
    fs::remove_file(own.folder().join("Cargo.toml")).unwrap();
    let back = format!(
        "cargo xtask start --again Cargo.toml --dir {}",
        own.folder().display()
    );
    for command in ["check", "progress"] {
        let gone = own.seen(&[command], 2);
        assert!(
            gone.contains("has no Cargo.toml; ")
                && gone.contains(&back)
                && gone.lines().count() == 1,
            "{gone}"
        );
    }
    own.seen(&["start", "--again", "Cargo.toml", "--yes"], 0);
    own.seen(&["progress"], 0);
}

#[test]
fn a_folder_of_an_older_checkout_is_judged_by_the_contract_of_now_and_says_so() {
    let own = Own::start(5, "older");
    let text = |file: &str| fs::read_to_string(own.folder().join(file)).unwrap();
    let notes = |arguments: &[&str]| {
        let said = own.seen(arguments, 0);
        said.matches("step 5 has changed since this folder was made")
            .count()
    };
    assert_eq!(notes(&["progress"]), 0);
    // What the first checkouts wrote, and a task, a manifest and versions that are others now.
    let progress = text("progress.toml");
    let start = progress.lines().find(|line| line.starts_with("start = "));
    own.change("progress.toml", &format!("{}\n", start.unwrap()), "");
    let edited = text("GOAL.md").replace("few-round-trips", "fewer-trips");
    fs::write(own.folder().join("GOAL.md"), edited).unwrap();
    own.change("Cargo.toml", "\naxum = ", "\n# axum = ");
    let lock = text("Cargo.lock");
    let (before, axum) = lock.split_once("name = \"axum\"\n").unwrap();
    let (about, sum) = axum.split_once("checksum = \"").unwrap();
    let other = format!(
        "{before}name = \"axum\"\n{about}checksum = \"0{}",
        &sum[1..]
    );
    fs::write(own.folder().join("Cargo.lock"), other).unwrap();
    for command in ["progress", "hint"] {
        assert_eq!(notes(&[command]), 1, "{command}");
    }
    // One file of now may not fit the others.
    assert_eq!(notes(&["start", "--again", "src/lib.rs"]), 1);
    // What comes back is not what there was at the start.
    let back = own.seen(&["start", "--again", "--yes"], 0);
    assert!(
        back.contains("step 5 has changed since this folder was made: this is how it begins now")
            && back.contains("As step 5 begins in this checkout")
            && back.contains("  GOAL.md"),
        "{back}"
    );
    assert!(text("GOAL.md").contains("few-round-trips"));
    own.ensure_complete();
    assert!(locked(&own.folder()).is_subset(&locked(root())));
    assert_eq!(notes(&["progress"]), 0);
}

#[test]
fn what_is_not_to_be_fast_is_not_measured() {
    let own = Own::start(2, "not-about-speed");
    let text = own.seen(&["check", "--speed"], 2);
    assert!(text.contains("step 2 is not about speed"), "{text}");
}

#[test]
fn outside_a_folder_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["hint"][..],
        &["progress"],
        &["start", "--again"],
        &["check", "--watch"],
        &["check", "--speed"],
    ] {
        let text = seen(xtask(folder.path()).args(command), 2);
        assert!(text.contains("--dir"), "{text}");
    }
}
