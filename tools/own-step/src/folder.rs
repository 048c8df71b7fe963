//! A folder with a step of one's own, and what was found of it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use contract::{Cell, Finding, Verdict};
use output::terminal;
use serde::{Deserialize, Serialize};

use crate::{
    Goal, Row,
    files::{self, CHECKOUT, GOAL, LOCK, text, write},
};

/// The file that makes a folder one of ours.
pub const PROGRESS: &str = "progress.toml";

/// How `progress.toml` is written. A higher one is of a later checkout.
const FORMAT: u32 = 2;

/// How it was written before there were exercises, and still is where it is none: earlier checkouts read it.
const FORMAT_OF_STEPS: u32 = 1;

/// What the last check saw. It is no part of the progress: it differs from run to run.
const SEEN: &str = "target/seen.json";

/// A folder with a step of one's own.
#[derive(Debug)]
pub struct OwnStep {
    /// Where it is.
    pub folder: PathBuf,
    /// What is written down in it.
    pub progress: Progress,
}

/// What `progress.toml` holds.
#[derive(Debug, Deserialize)]
pub struct Progress {
    format: u32,
    /// The step that it is to become, such as `step-5-batched`; of an exercise, the one that it changes.
    pub step: String,
    /// The exercise, such as `step-1-peek`, if it is one.
    #[serde(default)]
    pub exercise: Option<String>,
    /// The package's name when it was made.
    pub name: String,
    /// A hash of what it began with; nothing if a checkout made it that wrote none.
    #[serde(default)]
    start: String,
    /// How many hints were given.
    pub hints: usize,
    /// What was found, by row.
    #[serde(default)]
    pub rows: BTreeMap<String, Entry>,
}

/// What was found of a row.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// `has`, or what else the contract found.
    pub result: String,
    /// When.
    pub date: String,
    /// Of which sources.
    pub sources: String,
}

/// The result of a row that is met.
const MET: &str = "has";

/// What stands for the name of a row that is to be guessed.
pub const TO_GUESS: &str = "yours to guess";

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was met.
    Met,
    /// It was not met.
    NotMet,
    /// The sources have changed since.
    Stale,
    /// Nothing is known of it.
    NeverChecked,
}

impl OwnStep {
    /// A new one, with that start.
    pub fn new(folder: &Path, goal: &Goal, name: &str, start: String) -> Self {
        let exercise = goal.exercise.as_ref();
        Self {
            folder: folder.to_owned(),
            progress: Progress {
                format: FORMAT,
                step: goal.step.name.clone(),
                exercise: exercise.map(|exercise| exercise.name.clone()),
                name: name.to_owned(),
                start,
                hints: 0,
                rows: BTreeMap::new(),
            },
        }
    }

    /// The one in `dir`; without that, the one that we are in, if we are in one.
    ///
    /// # Errors
    ///
    /// When `dir` is none, or its progress cannot be read.
    pub fn find(dir: Option<&Path>) -> Result<Option<Self>> {
        let Some(dir) = dir else {
            let here = env::current_dir().context("cannot find out where we are")?;
            let mut folders = here.ancestors();
            let folder = folders.find(|folder| folder.join(PROGRESS).is_file());
            return folder.map(Self::open).transpose();
        };
        ensure!(
            dir.join(PROGRESS).is_file(),
            "{} holds no step of yours: there is no {PROGRESS}; make one with: cargo xtask start STEP --dir DIR",
            dir.display()
        );
        let dir = fs::canonicalize(dir).with_context(|| format!("cannot read {}", dir.display()));
        Self::open(&dir?).map(Some)
    }

    /// The one in `dir`, or the one that we are in; one of them must be there.
    ///
    /// # Errors
    ///
    /// See [`OwnStep::find`].
    pub fn require(dir: Option<&Path>) -> Result<Self> {
        let found = Self::find(dir)?;
        found.context("this folder holds no step of yours; go there, or name it with --dir DIR")
    }

    fn open(folder: &Path) -> Result<Self> {
        let file = folder.join(PROGRESS);
        let text = text(&file)?;
        let progress: Progress = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|place| text.get(..place.start));
            let line = before.unwrap_or_default().split('\n').count();
            anyhow!(
                "{}:{line} cannot be understood: {}; mend it, or take an earlier one from git",
                file.display(),
                error.message()
            )
        })?;
        if progress.format > FORMAT {
            bail!(
                "{} was written by a later checkout than this one; bring this one up to date",
                file.display()
            );
        }
        Ok(Self {
            folder: folder.to_owned(),
            progress,
        })
    }

    /// What it is to become.
    ///
    /// # Errors
    ///
    /// When this checkout does not have that step or exercise, or knows nothing of it.
    pub fn goal(&self, root: &Path) -> Result<Goal> {
        let elsewhere = "ask the checkout that made the folder, or write what it is called now into progress.toml";
        if let Some(exercise) = &self.progress.exercise {
            return Goal::of_exercise(root, exercise).with_context(|| {
                format!("{exercise} is no exercise of this checkout any more; {elsewhere}")
            });
        }
        let step = &self.progress.step;
        steps::one(root, Some(step))
            .with_context(|| format!("{step} is no step of this checkout any more; {elsewhere}"))?;
        Goal::of(root, step)
    }

    /// Says so if this checkout begins otherwise than the one that made the folder. It is judged as it is now all
    /// the same.
    ///
    /// # Errors
    ///
    /// When what the start is made of cannot be read.
    pub fn say_if_older(&self, root: &Path, goal: &Goal) -> Result<()> {
        let files = files::all(root, goal, &self.progress.name)?;
        if self.is_older(&files::start_hash(&files)) {
            terminal::progress(&format!(
                "{} has changed since this folder was made, and yours is judged by what it is now; to read that: cargo xtask start --again {GOAL}",
                goal.title()
            ));
        }
        Ok(())
    }

    /// Whether the folder began otherwise than with that start.
    pub fn is_older(&self, start: &str) -> bool {
        self.progress.start != start
    }

    /// From now on the folder has that start.
    pub fn begin_with(&mut self, start: String) {
        self.progress.start = start;
    }

    /// Writes down which checkout is asked when `cargo xtask` is typed in the folder. It may have moved.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn remember(&self, root: &Path) -> Result<()> {
        let file = self.folder.join(CHECKOUT);
        let text = format!("{}\n", root.display());
        if fs::read_to_string(&file).is_ok_and(|known| known == text) {
            return Ok(());
        }
        write(&file, &text)
    }

    /// Writes the progress: one line a row, so that git can merge what two people have found.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self) -> Result<()> {
        let progress = &self.progress;
        let (step, name, start) = (&progress.step, &progress.name, &progress.start);
        let hints = progress.hints;
        let (format, exercise) = match &progress.exercise {
            Some(exercise) => (FORMAT, format!("exercise = {exercise:?}\n")),
            None => (FORMAT_OF_STEPS, String::new()),
        };
        let mut text = format!(
            "# Kept by `cargo xtask check` and `hint`. Commit it: it is yours, and can be edited and merged.\n\
             format = {format}\nstep = {step:?}\n{exercise}name = {name:?}\nstart = {start:?}\nhints = {hints}\n\n[rows]\n"
        );
        for (id, entry) in &progress.rows {
            text += &format!("{id} = {}\n", toml::Value::try_from(entry)?);
        }
        write(&self.folder.join(PROGRESS), &text)
    }

    /// Writes down what was found of a row. What was left out says nothing.
    pub fn note(&mut self, row: &Row, found: &Finding, sources: &str) {
        if found.verdict == Verdict::LeftOut {
            return;
        }
        let result = match (row.is_met_by(found), found.verdict) {
            (true, _) => MET.to_owned(),
            // What an exercise breaks is there still.
            (false, Verdict::Has) => "not yet".to_owned(),
            (false, verdict) => verdict.to_string(),
        };
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let entry = Entry {
            result,
            date: now.chars().take_while(|sign| *sign != 'T').collect(),
            sources: sources.to_owned(),
        };
        self.progress.rows.insert(row.id.to_owned(), entry);
    }

    /// A hash of what the program is made from: the sources and the manifests.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn sources(&self) -> Result<String> {
        let files = self.source_files()?;
        let texts: Vec<String> = files.iter().map(|file| text(file)).collect::<Result<_>>()?;
        let names = files.iter().map(|file| file.strip_prefix(&self.folder));
        let names: Vec<&Path> = names.collect::<Result<_, _>>()?;
        let texts = texts.iter().map(String::as_str);
        Ok(files::hash(names.into_iter().zip(texts)))
    }

    /// What the program is made from.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or holds no package any more.
    pub fn source_files(&self) -> Result<Vec<PathBuf>> {
        let mut sources = steps::files(&self.folder.join("src"))?;
        for name in ["Cargo.toml", LOCK] {
            let (file, folder) = (self.folder.join(name), self.folder.display());
            ensure!(
                file.is_file(),
                "{folder} has no {name}; to put it back, in the checkout: cargo xtask start --again {name} --dir {folder}"
            );
            sources.push(file);
        }
        Ok(sources)
    }

    /// How a row stands, for these sources.
    pub fn standing(&self, row: &Row, sources: &str) -> Standing {
        match self.progress.rows.get(row.id) {
            None => Standing::NeverChecked,
            Some(entry) if entry.sources != sources => Standing::Stale,
            Some(entry) if entry.result == MET => Standing::Met,
            Some(_) => Standing::NotMet,
        }
    }

    /// What a row is called: by its name, once it needs no guess any more.
    pub fn name_of(&self, row: &Row) -> &'static str {
        let entry = self.progress.rows.get(row.id);
        let is_met = entry.is_some_and(|entry| entry.result == MET);
        match row.is_to_guess && !is_met {
            true => TO_GUESS,
            false => row.id,
        }
    }

    /// What the last check saw, row by row.
    pub fn seen(&self) -> Vec<Cell> {
        let text = fs::read(self.folder.join(SEEN)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Keeps what a check saw, and of the rows that it left out what was seen before.
    ///
    /// # Errors
    ///
    /// When that cannot be written.
    pub fn keep_seen(&self, cells: &[Cell]) -> Result<()> {
        let is_new = |old: &Cell| cells.iter().any(|cell| cell.id == old.id);
        let mut all = self.seen();
        all.retain(|old| !is_new(old));
        all.extend_from_slice(cells);
        write(&self.folder.join(SEEN), &serde_json::to_string(&all)?)
    }
}
