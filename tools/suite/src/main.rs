//! `cargo xtask test`: everything that a contributor should run, in one command.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use contract::{FaultRun, Finding, check, results};
use output::{
    section,
    terminal::{self, BOLD, GREEN, RED, RESET, YELLOW},
};
use processes::{interrupt, programs::on_path};
use steps::{Language, Profile, Program, RedisChoice, Source, Step, cargo, programs};

/// Tests say with a line that begins like this that they had nothing to run on.
const SKIPPED: &str = "skipped: ";

/// The first step that promises something for the case that the wire to Redis is bad.
const PROMISED_FROM: u32 = 4;

/// What has been run so far.
#[derive(Default)]
struct Summary {
    passed: usize,
    failed: usize,
    skipped: Vec<String>,
}

/// Runs everything that a contributor should run
#[derive(Parser)]
#[command(
    name = "cargo xtask test",
    bin_name = "cargo xtask test",
    max_term_width = 100
)]
struct TestOptions {
    /// Fail where something had to be left out, because a tool is missing
    #[arg(long)]
    strict: bool,
    /// Accept what the steps do now: write it into contract.json, README and book
    #[arg(long)]
    bless: bool,
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the tool lies in the workspace");
    run(root, &TestOptions::parse()).unwrap_or_else(|error| {
        terminal::error(&terminal::one_line(&error));
        ExitCode::from(2)
    })
}

/// Runs every stage, even after one has failed, and ends with what was skipped and why.
fn run(root: &Path, options: &TestOptions) -> Result<ExitCode> {
    interrupt::exit_on_interrupt()?;
    let started = Instant::now();
    let mut summary = Summary::default();

    summary.command("format", &mut component(root, "fmt", &["--all", "--check"]));
    summary.command("lint", &mut lint(root));
    summary.command("no unwrap", &mut no_unwrap(root));
    summary.command("documentation", &mut documentation(root));
    licences(root, &mut summary);
    packages(root, options, &mut summary)?;
    contract(root, options, &mut summary)?;
    measurements(root, options, &mut summary)?;
    book(root, options, &mut summary)?;

    let Summary {
        passed,
        failed,
        skipped,
    } = &summary;
    anstream::println!(
        "\n{BOLD}{passed} passed, {failed} failed, {} skipped{RESET}",
        skipped.len()
    );
    anstream::println!("in {} s", started.elapsed().as_secs());
    for reason in skipped {
        anstream::println!("{YELLOW}skipped{RESET}: {reason}");
    }
    if skipped.is_empty() {
        anstream::println!("skipped: nothing");
    }
    let is_good = *failed == 0 && (skipped.is_empty() || !options.strict);
    if *failed == 0 && !is_good {
        terminal::error("--strict allows nothing to be skipped");
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Summary {
    fn pass(&mut self, name: &str, what: &str) {
        self.passed += 1;
        anstream::println!("{GREEN}ok{RESET}      {name:<18} {what}");
    }

    fn fail(&mut self, name: &str, what: &str) {
        self.failed += 1;
        anstream::println!("{RED}FAILED{RESET}  {name:<18} {what}");
    }

    fn skip(&mut self, name: &str, why: &str) {
        self.skipped.push(format!("{name}: {why}"));
        anstream::println!("{YELLOW}skipped{RESET} {name:<18} {why}");
    }

    /// Runs a command that has passed when it succeeds. What it prints is shown only if it does not.
    fn command(&mut self, name: &str, command: &mut Command) {
        terminal::progress(&shown(command));
        match command.output() {
            Ok(output) if output.status.success() => self.pass(name, ""),
            Ok(output) => self.fail(name, &format!("{}\n{}", shown(command), text(&output))),
            Err(error) => self.fail(name, &format!("{} cannot start: {error}", shown(command))),
        }
    }
}

/// A command of cargo's own.
fn component(root: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = cargo(root);
    command.arg(name).args(arguments);
    command
}

fn lint(root: &Path) -> Command {
    component(
        root,
        "clippy",
        &["--workspace", "--all-targets", "--", "--deny", "warnings"],
    )
}

/// Outside of tests nobody may meet a panic that says nothing. clippy knows tests by their attribute only,
/// and not the functions that they share.
fn no_unwrap(root: &Path) -> Command {
    let targets = ["--workspace", "--lib", "--bins", "--"];
    let mut command = component(root, "clippy", &targets);
    command.args(["--deny", "clippy::unwrap_used"]);
    command
}

fn documentation(root: &Path) -> Command {
    let mut command = component(
        root,
        "doc",
        &["--workspace", "--no-deps", "--document-private-items"],
    );
    command.env("RUSTDOCFLAGS", "--deny warnings");
    command
}

fn licences(root: &Path, summary: &mut Summary) {
    if on_path("cargo-deny").is_none() {
        summary.skip(
            "licences",
            "cargo-deny is missing; cargo install cargo-deny --locked",
        );
        return;
    }
    // The advisories need the network, and say something about today, not about this change.
    let checks = [
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ];
    summary.command("licences", &mut component(root, "deny", &checks));
}

/// Compiles all tests at once and runs them package by package, for a summary line each. cargo would
/// compile the dependencies anew for every package, because each wants other features of them.
fn packages(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let arguments = [
        "--workspace",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ];
    let mut compile = component(root, "test", &arguments);
    terminal::progress(&shown(&compile));
    let output = compile
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        summary.fail("tests", "they do not compile");
        return Ok(());
    }
    for (folder, programs) in test_programs(&output.stdout)? {
        let package = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        terminal::progress(&format!("the tests of {package}"));
        let started = Instant::now();
        let (mut passed, mut failed, mut is_good) = (0, 0, true);
        for program in programs {
            let output = test_command(&program, &folder, options).output();
            let output = output.with_context(|| format!("cannot run {}", program.display()))?;
            let text = text(&output);
            let counts = count_tests(&text);
            passed += counts.0;
            failed += counts.1;
            for reason in text
                .lines()
                .filter_map(|line| line.trim().strip_prefix(SKIPPED))
            {
                summary.skip(&package, reason);
            }
            if !output.status.success() {
                is_good = false;
                anstream::println!("{text}");
            }
        }
        summary.passed += passed.saturating_sub(1);
        if is_good {
            let seconds = started.elapsed().as_secs_f32();
            summary.pass(&package, &format!("{passed} tests in {seconds:.1} s"));
        } else {
            summary.failed += failed.saturating_sub(1);
            summary.fail(&package, &format!("{failed} tests failed; see above"));
        }
    }
    Ok(())
}

/// The programs that cargo compiled the tests into, by the folder of their package.
fn test_programs(messages: &[u8]) -> Result<BTreeMap<PathBuf, Vec<PathBuf>>> {
    let mut programs: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for message in serde_json::Deserializer::from_slice(messages).into_iter() {
        let message: serde_json::Value = message.context("cannot read what cargo built")?;
        let is_test = message["profile"]["test"] == true;
        if let (true, Some(program)) = (is_test, message["executable"].as_str()) {
            let manifest = message["manifest_path"]
                .as_str()
                .context("a package has no manifest")?;
            let folder = Path::new(manifest)
                .parent()
                .context("a manifest lies nowhere")?;
            programs
                .entry(folder.to_owned())
                .or_default()
                .push(program.into());
        }
    }
    Ok(programs)
}

/// Runs a test program as cargo would: in the folder of its package, knowing which cargo it is.
fn test_command(program: &Path, folder: &Path, options: &TestOptions) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--nocapture")
        .current_dir(folder)
        .env("CARGO_MANIFEST_DIR", folder);
    command.env("CARGO", cargo(folder).get_program());
    if options.strict {
        command.env("SEEN_STRICT", "1");
    }
    command
}

/// Checks every step against the contract, what is stored against what was found, and the README's table
/// against what is stored.
fn contract(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let source = Source::choose(root, &RedisChoice::Auto)?;
    let is_real = source.is_real();
    if !is_real {
        summary.skip("contract", &format!("ran on {}", source.description()));
    }
    let mut steps = steps::all(root)?;
    let python = on_path("python3").is_some();
    if !python {
        summary.skip(
            "step-0-flask",
            "python3 is missing; so what contract.json says of it is not compared",
        );
        steps.retain(|step| step.language == Language::Rust);
    }
    let Some(programs) = programs(root, &steps, Profile::Debug)? else {
        summary.fail("contract", "the steps do not compile");
        return Ok(());
    };
    for (step, program) in steps.iter().zip(&programs) {
        if step.number >= PROMISED_FROM {
            faults(step, program, &source, summary)?;
        }
    }
    let reports = check::steps(&steps, &programs, &source, &[]);
    for report in &reports {
        let (name, what) = (&report.subject, report.summary());
        if report.is_as_expected() {
            summary.pass(name, &what);
        } else {
            summary.fail(name, &what);
        }
    }
    for report in reports.iter().filter(|_| is_real) {
        for cell in &report.cells {
            if let Finding::LeftOut { why } = &cell.finding {
                summary.skip(&report.subject, &format!("{}: {why}", cell.id));
            }
        }
    }
    let file = root.join(results::FILE);
    match results::update(&file, &reports, options.bless)? {
        None => summary.pass("contract.json", "agrees with the contract run"),
        Some(difference) => summary.fail("contract.json", &difference),
    }
    let table = contract::markdown(&results::read(&file)?);
    match section::update(root, "contract", &table, options.bless)? {
        None => summary.pass("README", "agrees with contract.json"),
        Some(difference) => summary.fail("README", &difference),
    }
    Ok(())
}

/// Holds a step to its promises on a bad wire to Redis.
fn faults(step: &Step, program: &Program, source: &Source, summary: &mut Summary) -> Result<()> {
    let run = FaultRun::from_env().map_err(|error| anyhow!(error))?;
    terminal::progress(&format!("{} on a bad wire to Redis", step.name));
    let name = format!("faults, step {}", step.number);
    match check::faults(step, program, source, run) {
        Ok(seen) => summary.pass(&name, &seen),
        Err(Finding::LeftOut { why }) => summary.skip(&name, &why),
        Err(end) => summary.fail(&name, end.evidence()),
    }
    Ok(())
}

/// Compares the README's figures with the stored run. Nothing is measured here: a slow machine is no
/// reason to fail.
fn measurements(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let mut part = component(
        root,
        "run",
        &["--quiet", "--package", "bench", "--", "readme"],
    );
    terminal::progress(&shown(&part));
    let output = part.output().context("cannot start cargo")?;
    if !output.status.success() {
        summary.fail("figures", &text(&output));
        return Ok(());
    }
    match section::update(
        root,
        "bench",
        &String::from_utf8_lossy(&output.stdout),
        options.bless,
    )? {
        None => summary.pass("figures", "the README agrees with the stored run"),
        Some(difference) => summary.fail("figures", &difference),
    }
    Ok(())
}

/// Proves that the book says what is so: one line a page. Its tool speaks as this one does.
fn book(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let action = if options.bless { "bless" } else { "test" };
    let mut command = component(root, "run", &["--quiet", "--package", "book", "--", action]);
    if options.strict {
        command.env("SEEN_BOOK_DOCKER", "1");
    }
    terminal::progress(&shown(&command));
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(reason) = line.strip_prefix(SKIPPED) {
            summary.skip("book", reason);
        } else if let Some(page) = line.strip_prefix("ok ") {
            let (name, what) = page.trim().split_once(' ').unwrap_or((page.trim(), ""));
            summary.pass(name, what.trim());
        } else {
            anstream::println!("{line}");
        }
    }
    if !output.status.success() {
        summary.fail("book", "see above");
    }
    Ok(())
}

/// Adds up the lines in which cargo's test runner says how many tests passed and failed.
fn count_tests(text: &str) -> (usize, usize) {
    let results = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("test result: "));
    results.fold((0, 0), |(passed, failed), line| {
        let number = |word| {
            let before = line.split(word).next()?;
            before.split_whitespace().last()?.parse::<usize>().ok()
        };
        (
            passed + number(" passed").unwrap_or(0),
            failed + number(" failed").unwrap_or(0),
        )
    })
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    let arguments: Vec<String> = arguments.collect();
    format!("cargo {}", arguments.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_test_programs_add_up() {
        let text = "running 2 tests\n\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\
                    test result: FAILED. 10 passed; 3 failed; 0 ignored\n";
        assert_eq!(count_tests(text), (12, 3));
        assert_eq!(count_tests("nothing"), (0, 0));
    }
}
