//! The tests of every package of the workspace.

use std::{
    collections::BTreeMap,
    fs, io,
    num::NonZero,
    path::{Path, PathBuf},
    process::Command,
    thread::available_parallelism,
    time::Instant,
};

use anyhow::{Context, Result};
use output::terminal;
use serde_json::Value;
use steps::COMPILED;

use crate::{
    CONTAINER_TESTS, CONTAINERS, TestOptions,
    cargo::{component, messages},
    summary::{Summary, text},
};

/// Tests say with a line that begins like this that they had nothing to run on. A test has no other way to
/// tell its runner.
const SKIPPED: &str = "skipped: ";

/// A package and the programs that its tests were compiled into.
pub struct Package {
    folder: PathBuf,
    programs: Vec<PathBuf>,
}

/// Compiles all tests and all programs at once. cargo would compile the dependencies anew for every package,
/// because each wants other features of them. `None` when they do not compile: cargo has said why.
pub fn compile(root: &Path, summary: &Summary) -> Result<Option<Vec<Package>>> {
    let arguments = [
        "--workspace",
        "--bins",
        "--tests",
        "--message-format=json-render-diagnostics",
    ];
    let (messages, has_succeeded) = messages(&mut component(root, "build", &arguments))?;
    if !has_succeeded {
        summary.fail("tests", "they do not compile; see above");
        return Ok(None);
    }
    let folder = steps::compiled()?;
    keep_programs(&messages, &folder)
        .with_context(|| format!("cannot put the programs into {}", folder.display()))?;
    let mut programs: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for message in messages
        .iter()
        .filter(|message| message["profile"]["test"] == true)
    {
        if let Some(program) = message["executable"].as_str() {
            let manifest = message["manifest_path"].as_str();
            let folder = manifest.and_then(|manifest| Path::new(manifest).parent());
            let folder = folder.context("cargo names a package without a manifest")?;
            programs
                .entry(folder.to_owned())
                .or_default()
                .push(program.into());
        }
    }
    let packages = programs.into_iter();
    let packages = packages.map(|(folder, programs)| Package { folder, programs });
    Ok(Some(packages.collect()))
}

/// Puts the programs into this folder, in the place of those that were there. See [`steps::compiled`].
fn keep_programs(messages: &[Value], folder: &Path) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let programs = messages
        .iter()
        .filter(|message| message["profile"]["test"] == false);
    let programs = programs.filter_map(|message| message["executable"].as_str());
    for program in programs.map(Path::new) {
        let name = program.file_name().unwrap_or_default();
        fs::hard_link(program, folder.join(name))?;
    }
    Ok(())
}

impl Package {
    /// The package's name, which is also its folder's.
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Runs the tests, one program after the other. They have one line in the summary; more if something was
    /// skipped. What fails has none yet: whatever runs beside it can be the reason, so it is to be run again.
    pub fn run(
        &self,
        root: &Path,
        options: &TestOptions,
        summary: &Summary,
    ) -> Result<Option<Again<'_>>> {
        let name = self.name();
        terminal::progress(&format!("the tests of {name}"));
        let started = Instant::now();
        let (mut passed, mut failed, mut said) = (0, Vec::new(), String::new());
        for program in &self.programs {
            let ran = self.run_program(program, &[], root, options, summary)?;
            passed += ran.passed;
            if !ran.has_succeeded {
                failed.push((program.as_path(), failed_tests(&ran.said)));
                said += &ran.said;
            }
        }
        if failed.is_empty() {
            let what = format!("{passed} tests in {:.1} s", started.elapsed().as_secs_f32());
            summary.add(passed, 0, &name, &what);
            return Ok(None);
        }
        terminal::progress(&format!(
            "the tests of {name}: what failed is run again when nothing else runs. They said:\n{said}"
        ));
        Ok(Some(Again {
            package: self,
            passed,
            failed,
        }))
    }

    /// Runs a test program, or those tests of it.
    fn run_program(
        &self,
        program: &Path,
        tests: &[String],
        root: &Path,
        options: &TestOptions,
        summary: &Summary,
    ) -> Result<Ran> {
        let mut command = self.command(program, root, options);
        if !tests.is_empty() {
            command.arg("--exact").args(tests);
        }
        let output = command.output();
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        let said = text(&output);
        let lines = said.lines().map(str::trim);
        for reason in lines.filter_map(|line| line.strip_prefix(SKIPPED)) {
            summary.skip(&self.name(), reason);
        }
        let (passed, failed) = count_tests(&said);
        Ok(Ran {
            passed,
            failed,
            has_succeeded: output.status.success(),
            said,
        })
    }

    /// Runs a test program as cargo would: in the folder of its package, knowing which cargo it is.
    fn command(&self, program: &Path, root: &Path, options: &TestOptions) -> Command {
        let mut command = Command::new(program);
        command
            .arg("--nocapture")
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env(COMPILED, root)
            .env("CARGO", steps::cargo(&self.folder).get_program());
        if options.strict {
            command.env("SEEN_STRICT", "1");
        }
        if self.name() == CONTAINERS {
            let cores = available_parallelism().map_or(1, NonZero::get);
            let threads = cores.max(CONTAINER_TESTS).to_string();
            command.args(["--test-threads", &threads]);
        }
        command
    }
}

/// What a test program came to.
struct Ran {
    passed: usize,
    failed: usize,
    has_succeeded: bool,
    said: String,
}

/// The tests of a package that have failed beside others.
pub struct Again<'a> {
    package: &'a Package,
    passed: usize,
    /// Each program that has failed, and which of its tests did. A program that ended early names none.
    failed: Vec<(&'a Path, Vec<String>)>,
}

impl Again<'_> {
    /// Runs them again, and gives the package its line in the summary.
    pub fn run(self, root: &Path, options: &TestOptions, summary: &Summary) -> Result<()> {
        let (mut passed, mut failed, mut said) = (self.passed, 0, String::new());
        let mut names = Vec::new();
        for (program, tests) in self.failed {
            let ran = self
                .package
                .run_program(program, &tests, root, options, summary)?;
            passed += ran.passed;
            if !ran.has_succeeded {
                // A program that ends early has not counted.
                failed += ran.failed.max(1);
                said += &ran.said;
            }
            names.extend(tests);
        }
        let what = match failed {
            0 => format!("{passed} tests; run again: {}", names.join(", ")),
            _ => format!("{failed} tests failed, alone, too:\n{said}"),
        };
        summary.add(passed, failed, &self.package.name(), &what);
        Ok(())
    }
}

/// The names of the tests that have failed, from the list with which the test runner ends.
fn failed_tests(text: &str) -> Vec<String> {
    let list = text
        .rsplit_once("\nfailures:\n")
        .map_or("", |(_, list)| list);
    let names = list.lines().map_while(|line| line.strip_prefix("    "));
    names.map(str::to_owned).collect()
}

/// Adds up the lines in which the test runner says how many tests passed and failed. It says so as JSON
/// only in nightly Rust.
fn count_tests(text: &str) -> (usize, usize) {
    let lines = text.lines().map(str::trim);
    let results = lines.filter_map(|line| line.strip_prefix("test result: "));
    results.fold((0, 0), |(passed, failed), line| {
        let number = |word| {
            let before = line.split(word).next()?;
            before.split_whitespace().last()?.parse().ok()
        };
        let number = |word| number(word).unwrap_or(0_usize);
        (passed + number(" passed"), failed + number(" failed"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    #[test]
    fn programs_are_kept_as_they_were_compiled_and_tests_are_not() {
        let cargo = tempfile::tempdir().unwrap();
        let (program, test) = (cargo.path().join("step"), cargo.path().join("step-1234"));
        fs::write(&program, "with all features").unwrap();
        fs::write(&test, "a test").unwrap();
        let messages = [
            json!({"profile": {"test": false}, "executable": program}),
            json!({"profile": {"test": true}, "executable": test}),
            json!({"profile": {"test": false}, "executable": null}),
        ];
        let kept = cargo.path().join("compiled");
        for _ in 0..2 {
            keep_programs(&messages, &kept).unwrap();
        }
        // As cargo does it: another file takes its place.
        fs::remove_file(&program).unwrap();
        fs::write(&program, "with few features").unwrap();
        let text = fs::read_to_string(kept.join("step")).unwrap();
        assert_eq!(text, "with all features");
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);
    }

    /// A package whose test programs are these shell scripts.
    fn package(folder: &Path, scripts: &[&str]) -> Package {
        let write = |(number, script): (usize, &&str)| {
            let program = folder.join(format!("tests-{number}"));
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
            program
        };
        Package {
            folder: folder.to_owned(),
            programs: scripts.iter().enumerate().map(write).collect(),
        }
    }

    const OPTIONS: TestOptions = TestOptions {
        strict: false,
        bless: false,
    };

    #[test]
    fn a_program_that_ends_before_it_has_counted_has_failed() {
        let folder = tempfile::tempdir().unwrap();
        let package = package(folder.path(), &["true", "false"]);
        let summary = Summary::default();
        let again = package.run(Path::new("/"), &OPTIONS, &summary).unwrap();
        again
            .unwrap()
            .run(Path::new("/"), &OPTIONS, &summary)
            .unwrap();
        let counts = summary.counts();
        assert_eq!((counts.passed, counts.failed), (0, 1));
    }

    /// The first time two tests of three fail; the second time one of these two.
    #[test]
    fn only_what_has_failed_is_run_again_and_counts_as_it_ends_then() {
        let folder = tempfile::tempdir().unwrap();
        let script = r#"
            if [ "$2" != --exact ]; then
                printf 'failures:\n\nfailures:\n    one::a\n    b\n\n'
                echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'
                exit 101
            fi
            echo "$*" > again
            echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored'
            exit 101"#;
        let package = package(folder.path(), &[script]);
        let summary = Summary::default();
        let again = package.run(Path::new("/"), &OPTIONS, &summary).unwrap();
        assert_eq!(summary.counts().failed, 0);
        again
            .unwrap()
            .run(Path::new("/"), &OPTIONS, &summary)
            .unwrap();
        let counts = summary.counts();
        assert_eq!((counts.passed, counts.failed), (2, 1));
        let arguments = fs::read_to_string(folder.path().join("again")).unwrap();
        assert_eq!(arguments, "--nocapture --exact one::a b\n");
    }

    #[test]
    fn results_of_several_test_programs_add_up() {
        let text = "running 2 tests\n\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\
                    test result: FAILED. 10 passed; 3 failed; 0 ignored\n";
        assert_eq!(count_tests(text), (12, 3));
        assert_eq!(count_tests("nothing"), (0, 0));
    }
}
