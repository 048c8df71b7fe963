//! What a step of one's own has to do: the rows of the contract that our step of that number turns, or those
//! that an exercise is about.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use contract::{CAPABILITIES, FaultRun, Finding, Question, Report, Verdict, results};
use steps::{Language, Step};

use crate::{
    exercise::{EXERCISES, Exercise, Expected},
    files::text,
};

/// The one row of the steps that is no capability: what they promise about their numbers on a bad wire.
const BAD_WIRE: (&str, &str) = (
    "bad-wire",
    "Redis is behind a wire that delays, cuts and garbles: no number twice, and no command whose fate is unknown is sent again",
);

/// The row that is there for speed.
const SPARES_COMMANDS: &str = "few-round-trips";

/// The row of an exercise that asks questions of its own.
const ANSWERS: (&str, &str) = (
    "answers",
    "what the exercise asks over HTTP is answered as it says",
);

/// A row of the contract, as a step of one's own is judged by it.
#[derive(Debug)]
pub struct Row {
    /// Its name on the command line and in `progress.toml`.
    pub id: &'static str,
    /// What it means, in one line.
    pub statement: String,
    /// What is to be found.
    pub wanted: Verdict,
    /// What the evidence must contain.
    words: String,
    /// What is asked, if it is the row of an exercise.
    pub questions: Vec<Question>,
    /// Whether the reader is to guess which row it is. Nothing names it before it is met.
    pub is_to_guess: bool,
}

impl Row {
    fn new(id: &'static str, statement: &str, wanted: Verdict) -> Self {
        Self {
            id,
            statement: statement.to_owned(),
            wanted,
            words: String::new(),
            questions: Vec::new(),
            is_to_guess: false,
        }
    }

    /// Whether this is what is to be found, or as good.
    pub fn is_met_by(&self, found: &Finding) -> bool {
        let is_wanted = match self.wanted {
            Verdict::HasBut => found.is_had(),
            wanted => found.verdict == wanted,
        };
        is_wanted && found.evidence.contains(&self.words)
    }

    /// Whether this is the row of the bad wire.
    pub fn is_bad_wire(&self) -> bool {
        self.id == BAD_WIRE.0
    }
}

/// What one starts from, and what is to become of it.
#[derive(Debug)]
pub struct Goal {
    /// Whose code one starts from.
    pub start: Step,
    /// Our step, which does what is asked for; of an exercise, the step that it changes.
    pub step: Step,
    /// The exercise, if it is one.
    pub exercise: Option<Exercise>,
    /// What is to be found, and is not of the start.
    pub turns: Vec<Row>,
    /// What is found of both: it may not get worse.
    pub keeps: Vec<Row>,
}

impl Goal {
    /// The goal of the step that `wanted` names.
    ///
    /// # Errors
    ///
    /// When there is no such step, it is not one to write, or nothing is known of it.
    pub fn of(root: &Path, wanted: &str) -> Result<Self> {
        let step = steps::one(root, Some(wanted))?;
        ensure!(
            step.language == Language::Rust,
            "step {} is the original, which stays as it is; the first to write is: cargo xtask start 1",
            step.number
        );
        let start = start_of(root, &step)?;
        let known = Known::read(root)?;
        let (mut turns, mut keeps) = (Vec::new(), Vec::new());
        for (id, statement, first_step) in known_rows() {
            let Some(ours) = known.finding(&step, id).filter(Finding::is_had) else {
                continue;
            };
            let row = Row::new(id, statement, ours.verdict);
            if known.is_met(&row, &start) {
                keeps.push(row);
            } else if first_step <= step.number {
                turns.push(row);
            }
        }
        ensure!(
            !turns.is_empty(),
            "{} says nothing of {}; run: cargo xtask test --bless",
            results::FILE,
            step.name
        );
        Ok(Self {
            start,
            step,
            exercise: None,
            turns,
            keeps,
        })
    }

    /// The goal of the exercise of this name.
    ///
    /// # Errors
    ///
    /// When there is no such exercise, or it declares nothing that is not so already.
    pub fn of_exercise(root: &Path, name: &str) -> Result<Self> {
        Self::of_parsed(root, Exercise::named(root, name)?)
    }

    /// The goal of an exercise.
    ///
    /// # Errors
    ///
    /// See [`Goal::of_exercise`].
    pub fn of_parsed(root: &Path, exercise: Exercise) -> Result<Self> {
        let name = exercise.name.clone();
        let step = steps::one(root, Some(&exercise.step))?;
        let known = Known::read(root)?;
        let task = exercise.task(root)?;
        let wrong = |what: String| format!("{EXERCISES}/{name}.patch: {what}");
        let (mut turns, mut keeps) = (Vec::new(), Vec::new());
        for Expected { id, verdict, words } in &exercise.expected {
            let row = known_rows().find(|(known, ..)| known == id);
            let (id, statement, _) =
                row.with_context(|| wrong(format!("there is no row {id:?} in the contract")))?;
            let mut statement = match verdict {
                Verdict::Has => statement.to_owned(),
                _ => format!("for once this is not so: {statement}"),
            };
            if !words.is_empty() {
                statement += &format!("; what is seen contains: {words}");
            }
            let mut row = Row {
                words: words.clone(),
                ..Row::new(id, &statement, *verdict)
            };
            if known.is_met(&row, &step) {
                keeps.push(row);
            } else {
                // What is to break, and what the book asks for without a name.
                row.is_to_guess = *verdict != Verdict::Has && !task.contains(&format!("`{id}`"));
                turns.push(row);
            }
        }
        if !exercise.questions.is_empty() {
            turns.push(Row {
                questions: exercise.questions.clone(),
                ..Row::new(ANSWERS.0, ANSWERS.1, Verdict::Has)
            });
        }
        ensure!(
            !turns.is_empty(),
            wrong("all that it declares is so without it; declare what changes".to_owned())
        );
        Ok(Self {
            start: step.clone(),
            step,
            exercise: Some(exercise),
            turns,
            keeps,
        })
    }

    /// All rows, those of the goal first.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.turns.iter().chain(&self.keeps)
    }

    /// What it is called in a sentence.
    pub fn title(&self) -> String {
        match &self.exercise {
            Some(exercise) => format!("exercise {}", exercise.name),
            None => format!("step {}", self.step.number),
        }
    }

    /// Whether it is to be fast: a step that has to spare Redis commands, or had to.
    pub fn is_about_speed(&self) -> bool {
        self.exercise.is_none() && self.rows().any(|row| row.id == SPARES_COMMANDS)
    }

    /// What makes a folder for it, behind `cargo xtask start`.
    pub fn command(&self) -> String {
        match &self.exercise {
            Some(exercise) => format!("exercise {}", exercise.name),
            None => self.step.number.to_string(),
        }
    }

    /// What the start lacks, in our own words: a paragraph at the top of its `src/lib.rs`.
    ///
    /// # Errors
    ///
    /// When that cannot be read.
    pub fn lack(&self) -> Result<String> {
        let text = text(&self.start.folder.join("src/lib.rs"))?;
        let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
        let lines = lines.map(str::trim);
        let paragraph = lines.skip_while(|line| !line.starts_with("What it deliberately lacks:"));
        let paragraph: Vec<&str> = paragraph.take_while(|line| !line.is_empty()).collect();
        Ok(paragraph.join(" "))
    }
}

/// All rows that there are: the name, the meaning, and the first step that has it.
fn known_rows() -> impl Iterator<Item = (&'static str, &'static str, u32)> {
    let capabilities = CAPABILITIES.iter();
    let capabilities = capabilities.map(|known| (known.id, known.statement, known.first_step));
    let (id, statement) = BAD_WIRE;
    capabilities.chain([(id, statement, FaultRun::PROMISED_FROM)])
}

/// What was found of our steps.
struct Known(Vec<Report>);

impl Known {
    fn read(root: &Path) -> Result<Self> {
        Ok(Self(results::read(&root.join(results::FILE))?))
    }

    fn finding(&self, step: &Step, id: &str) -> Option<Finding> {
        // Not stored, as it is no capability: those that promise it keep it.
        if id == BAD_WIRE.0 {
            let has_promised = step.number >= FaultRun::PROMISED_FROM;
            return has_promised.then(|| Finding::new(Verdict::Has, ""));
        }
        let mut reports = self.0.iter();
        let report = reports.find(|report| report.subject == step.name);
        report.and_then(|report| report.finding(id)).cloned()
    }

    fn is_met(&self, row: &Row, step: &Step) -> bool {
        let found = self.finding(step, row.id);
        found.is_some_and(|found| row.is_met_by(&found))
    }
}

/// The step before; before the first one, a page that only greets.
fn start_of(root: &Path, step: &Step) -> Result<Step> {
    if step.number == 1 {
        let name = "step-0-hello";
        return Ok(Step {
            name: name.to_owned(),
            number: 0,
            folder: root.join("tools/own-step").join(name),
            language: Language::Rust,
        });
    }
    steps::one(root, Some(&(step.number - 1).to_string()))
}
