//! Experiments that a page shows: what was recorded of them, and whether they still come out so.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use experiments::{Column, Contract, Experiment, Means, Recording, catalog, draw};
use mdbook_core::utils::{escape_html, fs};
use output::terminal::one_line;
use processes::{Folder, Output, Process};
use steps::{Profile, Step};

use crate::{
    expand,
    picture::Svg,
    source::{Page, Problem, named_files},
};

/// Where the recordings lie, from the root of the repository.
pub const RECORDINGS: &str = "book/measurements/experiments";

/// The same visitors come in every figure.
const SEED: &str = "1";

/// How long an experiment may take: to compile its steps, to start them, and all that happens then.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How often an experiment may come out otherwise before that is believed. A busy machine spoils one now and
/// then.
const ATTEMPTS: usize = 2;

/// An experiment on steps, as a page asks for it: `kill-redis 2 4`.
#[derive(Debug)]
pub struct Shown {
    experiment: &'static Experiment,
    steps: Vec<Step>,
}

impl Shown {
    /// What the argument of `{{#experiment …}}` names.
    ///
    /// # Errors
    ///
    /// When there is no such experiment or no such step, or no step is named.
    pub fn new(root: &Path, argument: &str) -> Result<Self> {
        let mut words = argument.split_whitespace().map(str::to_owned);
        let name = words.next().unwrap_or_default();
        let experiment = catalog::named(&name)?;
        let wanted: Vec<String> = words.collect();
        ensure!(
            !wanted.is_empty(),
            "{{{{#experiment {name}}}}} names no step; name one or more behind it, such as 2 4"
        );
        let steps = steps::several(root, &wanted)?;
        Ok(Self { experiment, steps })
    }

    /// All that a page shows, each with its line.
    ///
    /// # Errors
    ///
    /// When the page asks for something that is not there.
    pub fn of_page(root: &Path, page: &Page) -> Result<Vec<(usize, Self)>> {
        let arguments = expand::arguments(page, "experiment").into_iter();
        let shown = arguments.map(|(line, argument)| {
            let shown = Self::new(root, &argument).map(|shown| (line, shown));
            shown.map_err(|error| anyhow!(page.problem(line, one_line(&error))))
        });
        shown.collect()
    }

    /// What is typed behind `cargo xtask break`.
    pub fn words(&self) -> String {
        let numbers = self.steps.iter().map(|step| format!(" {}", step.number));
        self.experiment.name.to_owned() + &numbers.collect::<String>()
    }

    /// The recording, from the root of the repository.
    pub fn file(&self) -> String {
        format!("{RECORDINGS}/{}.json", self.words().replace(' ', "-"))
    }

    /// What was recorded, with a verdict by what the contract says now.
    fn recording(&self, root: &Path) -> Result<Recording> {
        let (file, again) = (self.file(), "record it anew with: cargo xtask book bless");
        let path = root.join(&file);
        ensure!(path.exists(), "there is no {file}; {again}");
        let mut recording = Recording::read(&path)?;
        let steps = self.steps.iter().map(|step| step.name.as_str());
        ensure!(
            recording.is_of(self.experiment, steps),
            "{file} is of another form of the experiment; {again}"
        );
        if root.join(contract::results::FILE).exists() {
            recording.judge(self.experiment, &Contract::read(root)?);
        }
        let mut columns = recording.columns.iter();
        if let Some(column) = columns.find(|column| !column.verdict.surprises.is_empty()) {
            let what = column.verdict.surprises.join("; ");
            bail!(
                "{file} is not what the contract says: {}: {what}; {again}",
                column.name
            );
        }
        Ok(recording)
    }

    /// The figure: what was asked, a picture over which a script can play, what came of it, and how a reader
    /// gets the same.
    ///
    /// # Errors
    ///
    /// When there is no recording, or one of something else.
    pub fn figure(&self, root: &Path, number: usize) -> Result<String> {
        let recording = self.recording(root)?;
        let Svg { text: svg, .. } = Svg::new(&self.file(), &draw(&recording), number)?;
        // The data must not end the element that it stands in.
        let data = serde_json::to_string(&recording)?.replace('<', "\\u003c");
        let question = escape_html(&recording.question);
        let outcomes: String = recording.columns.iter().map(outcome).collect();
        let redis = escape_html(&recording.redis);
        let words = self.words();
        let name = self.experiment.name;
        let steps = words.trim_start_matches(name);
        Ok(format!(
            "<figure class=\"experiment\">\n<p class=\"question\">{question}</p>\n\
             <seen-experiment>\n{svg}\n<script type=\"application/json\">{data}</script>\n</seen-experiment>\n\
             <figcaption>\n<ul>\n{outcomes}</ul>\n\
             <p>A bar is a tenth of a second. Recorded with {redis}.<br>\n\
             Do it yourself: <code>cargo xtask break {words}</code><br>\n\
             Watch it live: <code>cargo xtask lab{steps} --experiment {name}</code></p>\n\
             </figcaption>\n</figure>"
        ))
    }

    /// Why it cannot be carried out on this machine; nothing if it can.
    pub fn lack(&self) -> Option<String> {
        let missing = Means::here(false).missing(self.experiment)?;
        Some(format!("{} {missing}", self.experiment.name))
    }

    /// Carries it out, and compares what came of it with what was recorded. Returns how that went.
    ///
    /// # Errors
    ///
    /// When it cannot be carried out, or its verdict is another one.
    pub fn prove(&self, root: &Path, program: &Path) -> Result<String> {
        let (recorded, started) = (self.recording(root)?, Instant::now());
        let mut differences = Vec::new();
        for _ in 0..ATTEMPTS {
            let now = self.play(root, program)?;
            differences = recorded.differences(self.experiment, &now);
            if differences.is_empty() {
                let seconds = started.elapsed().as_secs_f32();
                return Ok(format!("as recorded, in {seconds:.1} s"));
            }
        }
        bail!(
            "it comes out otherwise than {}: {}; accept with: cargo xtask book bless",
            self.file(),
            differences.join("; ")
        )
    }

    /// Carries it out, and keeps what came of it where that is no longer as recorded.
    ///
    /// # Errors
    ///
    /// As [`Self::record`].
    pub fn accept(&self, root: &Path, program: &Path) -> Result<String> {
        let proved = self.prove(root, program);
        proved.or_else(|_| self.record(root, program))
    }

    /// Carries it out and keeps what came of it. Returns what was written.
    ///
    /// # Errors
    ///
    /// When it cannot be carried out, does not do what the contract says, or cannot be written.
    pub fn record(&self, root: &Path, program: &Path) -> Result<String> {
        let mut recording = self.play(root, program)?;
        for _ in 1..ATTEMPTS {
            if !recording.is_as_expected() {
                recording = self.play(root, program)?;
            }
        }
        let columns = recording.columns.iter();
        let surprises: Vec<&str> = columns
            .flat_map(|column| &column.verdict.surprises)
            .map(String::as_str)
            .collect();
        ensure!(
            surprises.is_empty(),
            "it is not what the contract says, so it was not kept: {}",
            surprises.join("; ")
        );
        let file = self.file();
        fs::create_dir_all(root.join(RECORDINGS))?;
        recording.write(&root.join(&file))?;
        Ok(format!("recorded anew: {file}"))
    }

    /// Does what the figure tells its reader to do.
    fn play(&self, root: &Path, program: &Path) -> Result<Recording> {
        let folder = Folder::new("seen-experiment-")?;
        let file = folder.path().join("recording.json");
        let words = self.words();
        let mut command = Command::new(program);
        command.current_dir(root).args(words.split(' '));
        command.args(["--no-ask", "--seed", SEED, "--record"]);
        command.arg(&file);
        let mut process = Process::spawn(&words, command, Output::Capture)?;
        let ended = process.wait_timeout(TIMEOUT)?;
        ensure!(
            file.exists(),
            "it {}:\n{}",
            match ended {
                Some(ended) => format!("recorded nothing and ended with {ended}"),
                None => format!("still runs after {} s", TIMEOUT.as_secs()),
            },
            process.output_tail(20)
        );
        Recording::read(&file)
    }
}

/// What came of a step, as an item of a list.
fn outcome(column: &Column) -> String {
    let verdict = &column.verdict;
    let [happened, means, mended] = &verdict.lines;
    let mended = match verdict.defects.is_empty() {
        true => String::new(),
        false => format!(" Mended by: {mended}."),
    };
    let name = escape_html(&column.name);
    let said = with_code(&format!("{happened}. {means}{mended}"));
    format!(
        "<li><strong>{name} {}.</strong> {said}</li>\n",
        verdict.outcome()
    )
}

/// A text in which code stands between backticks, as HTML.
fn with_code(text: &str) -> String {
    let parts = text.split('`').zip([false, true].into_iter().cycle());
    let html = parts.map(|(part, is_code)| match (escape_html(part), is_code) {
        (part, true) => format!("<code>{part}</code>"),
        (part, false) => part.into_owned(),
    });
    html.collect()
}

/// The program that carries experiments out, compiled.
///
/// # Errors
///
/// When it does not compile.
pub fn program(root: &Path) -> Result<PathBuf> {
    let program = steps::tool(root, "experiments", "experiments", Profile::Debug)?;
    program.context("the tool for experiments does not compile; see above")
}

/// Recordings that no page shows.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn unshown(root: &Path, pages: &[Page]) -> Result<Vec<Problem>> {
    // What a page asks for in vain is said elsewhere.
    let shown = pages
        .iter()
        .flat_map(|page| Shown::of_page(root, page).unwrap_or_default());
    let shown: Vec<String> = shown.map(|(_, shown)| shown.file()).collect();
    let recordings = named_files(&root.join(RECORDINGS))?.into_iter();
    let recordings = recordings.map(|(name, _)| format!("{RECORDINGS}/{name}"));
    let unshown = recordings.filter(|file| !shown.contains(file));
    let what = "no page shows it; write an {{#experiment …}}, or remove it";
    Ok(unshown.map(|file| Problem::new(file, 1, what)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use experiments::Defect;
    use tempfile::TempDir;

    use super::*;

    /// A repository in which an experiment was recorded, and a program that carries it out and always brings
    /// home what is in `now.json`.
    struct Tiny {
        folder: TempDir,
        shown: Shown,
        recording: Recording,
    }

    impl Tiny {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            let root = folder.path();
            for step in ["step-1-memory", "step-2-redis"] {
                fs::create_dir_all(root.join("steps").join(step).join("src")).unwrap();
                fs::write(root.join("steps").join(step).join("Cargo.toml"), "").unwrap();
            }
            let program = "#!/bin/sh\nfor file; do :; done\ncp now.json \"$file\"\necho it ran\n";
            fs::write(root.join("program"), program).unwrap();
            let shown = Shown::new(root, "rolling-restart 1 2").unwrap();
            let real = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
            let recording = Recording::read(&real.unwrap().join(shown.file())).unwrap();
            fs::create_dir_all(root.join(RECORDINGS)).unwrap();
            recording.write(&root.join(shown.file())).unwrap();
            Self {
                folder,
                shown,
                recording,
            }
        }

        /// What comes of it the next time.
        fn comes_out_as(&self, change: impl Fn(&mut Column)) {
            let mut now = self.recording.clone();
            change(&mut now.columns[0]);
            now.write(&self.folder.path().join("now.json")).unwrap();
        }

        fn prove(&self) -> Result<String> {
            let root = self.folder.path();
            self.shown.prove(root, &self.program())
        }

        fn program(&self) -> PathBuf {
            let program = self.folder.path().join("program");
            let mut may_run = fs::metadata(&program).unwrap().permissions();
            std::os::unix::fs::PermissionsExt::set_mode(&mut may_run, 0o755);
            fs::set_permissions(&program, may_run).unwrap();
            program
        }
    }

    #[test]
    fn another_verdict_fails_and_other_numbers_do_not() {
        let tiny = Tiny::new();
        tiny.comes_out_as(|column| column.ledger.answered += 100);
        let proved = tiny.prove().unwrap();
        assert!(proved.starts_with("as recorded, in "), "{proved}");

        tiny.comes_out_as(|column| column.verdict.defects.clear());
        let error = tiny.prove().unwrap_err().to_string();
        let expected = "it comes out otherwise than book/measurements/experiments/rolling-restart-1-2.json: \
             step-1-memory: `repeats` shows no more; accept with: cargo xtask book bless";
        assert_eq!(error, expected);
    }

    #[test]
    fn what_the_contract_forbids_is_not_kept() {
        let tiny = Tiny::new();
        let (root, program) = (tiny.folder.path(), tiny.program());
        tiny.comes_out_as(|column| column.verdict.surprises.push("no step may".into()));
        let error = tiny.shown.record(root, &program).unwrap_err().to_string();
        assert!(
            error.ends_with("so it was not kept: no step may"),
            "{error}"
        );
        let kept = || Recording::read(&root.join(tiny.shown.file())).unwrap();
        assert_eq!(kept(), tiny.recording);

        tiny.comes_out_as(|column| column.verdict.defects = vec![Defect::Cuts]);
        tiny.shown.record(root, &program).unwrap();
        assert_eq!(kept().columns[0].verdict.defects, [Defect::Cuts]);
    }

    #[test]
    fn an_experiment_that_records_nothing_says_why() {
        let error = Tiny::new().prove().unwrap_err().to_string();
        assert!(error.contains("recorded nothing and ended with"), "{error}");
        assert!(error.contains("it ran"), "{error}");
    }
}
