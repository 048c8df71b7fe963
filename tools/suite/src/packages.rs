//! The tests of every package of the workspace.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use output::terminal;
use serde_json::{Deserializer, Value};
use steps::cargo;

use crate::{
    TestOptions, component,
    summary::{Summary, shown, text},
};

/// Tests say with a line that begins like this that they had nothing to run on. A test has no other way to
/// tell its runner.
const SKIPPED: &str = "skipped: ";

/// A package and the programs that its tests were compiled into.
pub struct Package {
    folder: PathBuf,
    programs: Vec<PathBuf>,
}

/// How the tests of a package ended.
pub struct Tested {
    name: String,
    passed: usize,
    failed: usize,
    is_good: bool,
    skipped: Vec<String>,
    /// What the failed programs printed.
    output: String,
    seconds: f32,
}

/// Compiles all tests at once. cargo would compile the dependencies anew for every package, because each
/// wants other features of them. `None` when they do not compile: cargo has said why.
pub fn compile(root: &Path, summary: &mut Summary) -> Result<Option<Vec<Package>>> {
    let mut arguments = vec!["--workspace", "--no-run"];
    arguments.push("--message-format=json-render-diagnostics");
    let mut compile = component(root, "test", &arguments);
    terminal::progress(&shown(&compile));
    let output = compile.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    if !output.status.success() {
        summary.fail("tests", "they do not compile");
        return Ok(None);
    }
    let packages = test_programs(&output.stdout)?.into_iter();
    let packages = packages.map(|(folder, programs)| Package { folder, programs });
    Ok(Some(packages.collect()))
}

/// The programs that cargo compiled the tests into, by the folder of their package.
fn test_programs(messages: &[u8]) -> Result<BTreeMap<PathBuf, Vec<PathBuf>>> {
    let mut programs: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for message in Deserializer::from_slice(messages).into_iter::<Value>() {
        let message = message.context("cannot read what cargo built")?;
        let is_test = message["profile"]["test"] == true;
        if let (true, Some(program)) = (is_test, message["executable"].as_str()) {
            let manifest = message["manifest_path"].as_str();
            let folder = manifest.and_then(|manifest| Path::new(manifest).parent());
            let folder = folder.context("cargo names a package without a manifest")?;
            let programs = programs.entry(folder.to_owned()).or_default();
            programs.push(program.into());
        }
    }
    Ok(programs)
}

impl Package {
    /// The package's name, which is also its folder's.
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Runs the tests, one program after the other.
    pub fn run(&self, options: &TestOptions) -> Result<Tested> {
        terminal::progress(&format!("the tests of {}", self.name()));
        let started = Instant::now();
        let mut tested = Tested {
            name: self.name(),
            passed: 0,
            failed: 0,
            is_good: true,
            skipped: Vec::new(),
            output: String::new(),
            seconds: 0.0,
        };
        for program in &self.programs {
            let output = self.command(program, options).output();
            let output = output.with_context(|| format!("cannot run {}", program.display()))?;
            let text = text(&output);
            let (passed, failed) = count_tests(&text);
            tested.passed += passed;
            tested.failed += failed;
            let lines = text.lines().map(str::trim);
            let reasons = lines.filter_map(|line| line.strip_prefix(SKIPPED));
            tested.skipped.extend(reasons.map(str::to_owned));
            if !output.status.success() {
                tested.is_good = false;
                tested.output += &text;
            }
        }
        tested.seconds = started.elapsed().as_secs_f32();
        Ok(tested)
    }

    /// Runs a test program as cargo would: in the folder of its package, knowing which cargo it is.
    fn command(&self, program: &Path, options: &TestOptions) -> Command {
        let mut command = Command::new(program);
        command
            .arg("--nocapture")
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO", cargo(&self.folder).get_program());
        if options.strict {
            command.env("SEEN_STRICT", "1");
        }
        command
    }
}

impl Tested {
    /// Puts this package into the summary, in one line; more if something was skipped or has failed.
    pub fn report(&self, summary: &mut Summary) {
        for reason in &self.skipped {
            summary.skip(&self.name, reason);
        }
        // The line for the package counts as one of its tests.
        summary.passed += self.passed.saturating_sub(1);
        if self.is_good {
            let what = format!("{} tests in {:.1} s", self.passed, self.seconds);
            return summary.pass(&self.name, &what);
        }
        anstream::println!("{}", self.output);
        summary.failed += self.failed.saturating_sub(1);
        let what = format!("{} tests failed; see above", self.failed);
        summary.fail(&self.name, &what);
    }
}

/// Adds up the lines in which the test runner says how many tests passed and failed. It says so as JSON
/// only in nightly Rust.
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
