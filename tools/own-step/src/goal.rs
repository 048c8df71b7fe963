//! What a step of one's own has to do: the rows of the contract that our step of that number turns.

use std::path::Path;

use anyhow::{Result, ensure};
use contract::{CAPABILITIES, FaultRun, Finding, Verdict, results};
use steps::{Language, Step};

use crate::files::text;

/// The one row that is no capability: what a step promises about its numbers on a bad wire.
const BAD_WIRE: (&str, &str) = (
    "bad-wire",
    "Redis is behind a wire that delays, cuts and garbles: no number twice, and no command whose fate is unknown is sent again",
);

/// A row of the contract, as a step of one's own is judged by it.
#[derive(Debug)]
pub struct Row {
    /// Its name on the command line and in `progress.toml`.
    pub id: &'static str,
    /// What it means, in one line.
    pub statement: &'static str,
    /// What is found of our step.
    ours: Verdict,
}

impl Row {
    /// Whether this is as good as what our step does.
    pub fn is_met_by(&self, found: &Finding) -> bool {
        found.is_had() && (self.ours, found.verdict) != (Verdict::Has, Verdict::HasBut)
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
    /// Our step, which does what is asked for.
    pub step: Step,
    /// What it has and the start has not.
    pub turns: Vec<Row>,
    /// What both have: it may not get worse.
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
        let reports = results::read(&root.join(results::FILE))?;
        let finding = |step: &Step, id: &str| {
            let report = reports.iter().find(|report| report.subject == step.name);
            report.and_then(|report| report.finding(id)).cloned()
        };
        let (mut turns, mut keeps) = (Vec::new(), Vec::new());
        for capability in CAPABILITIES {
            let Some(ours) = finding(&step, capability.id).filter(Finding::is_had) else {
                continue;
            };
            let row = Row {
                id: capability.id,
                statement: capability.statement,
                ours: ours.verdict,
            };
            if finding(&start, row.id).is_some_and(|theirs| row.is_met_by(&theirs)) {
                keeps.push(row);
            } else if capability.first_step <= step.number {
                turns.push(row);
            }
        }
        if step.number >= FaultRun::PROMISED_FROM {
            let is_kept = start.number >= FaultRun::PROMISED_FROM;
            let rows = if is_kept { &mut keeps } else { &mut turns };
            rows.push(Row {
                id: BAD_WIRE.0,
                statement: BAD_WIRE.1,
                ours: Verdict::Has,
            });
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
            turns,
            keeps,
        })
    }

    /// All rows, those of the goal first.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.turns.iter().chain(&self.keeps)
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
