//! What an experiment leaves behind: a file that the terminal, a picture and a page can show again.

use std::{fs, ops::RangeInclusive, path::Path};

use anyhow::{Context, Result, ensure};
use load::ledger::acceptable_counts;
use serde::{Deserialize, Serialize};

use crate::experiment::{Defect, Experiment, Lane};

/// The version of the form. A reader refuses any other.
pub const VERSION: u32 = 1;

/// How long a sample is, in milliseconds.
pub const SAMPLE_MS: u64 = 100;

/// How large a file may be, so that a page can hold several.
const BYTES_MAX: usize = 200 * 1024;

/// An experiment that was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The version of this form.
    pub version: u32,
    /// Which experiment.
    pub experiment: String,
    /// What was asked.
    pub question: String,
    /// What repeats the plan.
    pub seed: u64,
    /// Which Redis.
    pub redis: String,
    /// How long the visitors came, in milliseconds.
    pub lasts: u64,
    /// What happened to each step, side by side.
    pub columns: Vec<Column>,
}

/// What happened to one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The step, such as `step-2-redis`, and how it was set up, if there was a choice.
    pub name: String,
    /// What happened, a sample each 100 ms.
    pub series: Series,
    /// What was done to it, and what the wire lost.
    pub events: Vec<Event>,
    /// What the visits came to.
    pub ledger: Ledger,
    /// What that means.
    pub verdict: Verdict,
}

/// A time series, one vector a line of the chart, all as long as each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Visits that ended with a number.
    pub answered: Vec<u32>,
    /// With a 503 and `Retry-After`.
    pub refused: Vec<u32>,
    /// With any other answer, a connection that was cut, or none at all.
    pub failed: Vec<u32>,
    /// With no answer in time.
    pub silent: Vec<u32>,
    /// Visits under way at the end of the sample.
    pub in_flight: Vec<u32>,
    /// Half of the answers came within this time, in milliseconds.
    pub p50: Vec<Option<f32>>,
    /// And 99 of 100 within this one.
    pub p99: Vec<Option<f32>>,
    /// Commands that Redis has run, or nothing while it does not say.
    pub commands: Vec<Option<u32>>,
}

/// One moment of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Visits that ended with a number, a refusal, a failure, and without an answer.
    pub ends: [u32; 4],
    /// Visits under way.
    pub in_flight: u32,
    /// Half of the answers came within this time, in milliseconds, and 99 of 100 within the other.
    pub p50_p99: Option<(f32, f32)>,
    /// Commands that Redis has run.
    pub commands: Option<u32>,
}

impl Series {
    /// Adds a sample.
    pub fn push(&mut self, sample: Sample) {
        let [answered, refused, failed, silent] = sample.ends;
        self.answered.push(answered);
        self.refused.push(refused);
        self.failed.push(failed);
        self.silent.push(silent);
        self.in_flight.push(sample.in_flight);
        self.p50.push(sample.p50_p99.map(|(p50, _)| p50));
        self.p99.push(sample.p50_p99.map(|(_, p99)| p99));
        self.commands.push(sample.commands);
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.answered.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.answered.is_empty()
    }

    /// The middle one of the medians between two moments, in milliseconds after the start.
    pub fn p50_between(&self, from: u64, until: u64) -> Option<f32> {
        let samples = (from / SAMPLE_MS) as usize..(until / SAMPLE_MS) as usize;
        let medians = self.p50.iter().skip(samples.start).take(samples.len());
        let mut medians: Vec<f32> = medians.flatten().copied().collect();
        medians.sort_by(f32::total_cmp);
        medians.get(medians.len() / 2).copied()
    }

    /// How the visits of some samples ended: answered, refused, failed, silent.
    pub fn ends(&self, samples: std::ops::Range<usize>) -> [u32; 4] {
        let kinds = [&self.answered, &self.refused, &self.failed, &self.silent];
        kinds.map(|kind| kind.iter().skip(samples.start).take(samples.len()).sum())
    }
}

/// Something that happened to a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds after the start.
    pub at: u64,
    /// To what.
    pub lane: Lane,
    /// What, in a few words.
    pub what: String,
    /// Whether that is well again now, or is not; nothing if it makes no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_well: Option<bool>,
    /// Whether it was lost on the wire.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_loss: bool,
}

/// What the visits came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// What Redis said before the first visit.
    pub start: u64,
    /// Visits that ended with a number.
    pub answered: u64,
    /// With a refusal: 503 and `Retry-After`.
    pub refused: u64,
    /// With any other status.
    pub failed: u64,
    /// With a 200 that holds no number.
    pub without_number: u64,
    /// With a connection that was cut.
    pub cut: u64,
    /// Nobody took the connection.
    pub unconnected: u64,
    /// With no answer in time.
    pub silent: u64,
    /// Numbers that were given again.
    pub duplicates: u64,
    /// The first of them.
    pub first_duplicates: Vec<u64>,
    /// Numbers between the lowest and the highest that nobody was given.
    pub gaps: u64,
    /// What Redis says at the end; `None` if the count is not kept there.
    pub count: Option<u64>,
    /// Visits with a number that began when all had been well again for a while.
    pub answered_at_last: u64,
    /// Visitors of a burst who found no room in the queue of new connections.
    pub shut_out: u64,
    /// Clients that did nothing and were still connected at the end.
    pub held: u64,
    /// Commands that Redis has run, as far as it was asked.
    pub commands: u64,
    /// Half of the answers came within this time, in milliseconds, between the first and the last action.
    pub p50_meanwhile: Option<f32>,
}

impl Ledger {
    /// Visits without a number that may have been counted all the same.
    pub fn unknown(&self) -> u64 {
        self.refused + self.failed + self.without_number + self.cut + self.silent
    }

    /// How many commands a visit costs Redis.
    pub fn commands_per_visit(&self) -> f64 {
        self.commands as f64 / self.answered.max(1) as f64
    }

    /// What Redis may say at the end.
    pub fn acceptable(&self) -> RangeInclusive<u64> {
        acceptable_counts(self.start, self.answered, self.unknown())
    }
}

/// What an experiment means for a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The defects that showed, the worst first.
    pub defects: Vec<Defect>,
    /// What happened, what that means, and what mends it.
    pub lines: [String; 3],
    /// Where that is not what the contract says of the step. Empty if all is.
    pub surprises: Vec<String>,
}

impl Verdict {
    /// The verdict in a few words.
    pub fn outcome(&self) -> &'static str {
        match (self.surprises.is_empty(), self.defects.is_empty()) {
            (true, true) => "holds",
            (true, false) => "breaks, as its contract says",
            (false, _) => "not what its contract says",
        }
    }
}

impl Recording {
    /// Writes it to a file.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or is too large.
    pub fn write(&self, file: &Path) -> Result<()> {
        let json = serde_json::to_string(self)? + "\n";
        let length = json.len();
        ensure!(
            length <= BYTES_MAX,
            "the recording is {length} bytes long, and at most {BYTES_MAX} are allowed; name fewer steps"
        );
        fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Reads it from a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, holds something else, or is of another version.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let recording: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} holds no recording", file.display()))?;
        ensure!(
            recording.version == VERSION,
            "{} is of version {}, and this program reads version {VERSION}; record it anew",
            file.display(),
            recording.version
        );
        Ok(recording)
    }

    /// Whether it is one of that experiment as it is now, on these steps.
    pub fn is_of<'a>(&self, experiment: &Experiment, steps: impl Iterator<Item = &'a str>) -> bool {
        let script = experiment.script.iter();
        let script: Vec<String> = script.map(|(_, action)| action.words()).collect();
        let follows_script = |column: &Column| {
            let done = column.events.iter().filter(|event| !event.is_loss);
            done.map(|event| &event.what).eq(&script)
        };
        let columns = experiment.columns(steps);
        self.experiment == experiment.name
            && self.question == experiment.question
            && self.lasts == experiment.lasts
            && self.columns.iter().map(|column| &column.name).eq(&columns)
            && self.columns.iter().all(follows_script)
    }

    /// Whether every step did what its contract says.
    pub fn is_as_expected(&self) -> bool {
        let mut columns = self.columns.iter();
        columns.all(|column| column.verdict.surprises.is_empty())
    }
}
