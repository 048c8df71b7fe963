//! An experiment that is played for who looks at the page.

use anyhow::{Context, Result};
use experiments::{Contract, Event, Experiment, Plan, Series, Subject, Update, Verdict};
use output::terminal::{one_line, progress};
use processes::interrupt::Interrupted;
use serde::Serialize;

use crate::lab::{Lab, lock};

/// An experiment, from the question to the verdict.
#[derive(Serialize)]
pub struct Playing {
    name: &'static str,
    question: &'static str,
    watch: &'static str,
    /// What somebody thought before.
    guess: String,
    state: State,
    /// What is on the way, or went wrong.
    what: String,
    /// How long the visitors come, in milliseconds.
    lasts: u64,
    columns: Vec<Played>,
    /// What stops it.
    #[serde(skip)]
    pub interrupted: Interrupted,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Starts,
    Runs,
    Over,
    Stopped,
    Failed,
}

/// One step of it.
#[derive(Serialize)]
struct Played {
    name: String,
    series: Series,
    events: Vec<Event>,
    verdict: Option<Judged>,
}

/// What it means for a step.
#[derive(Serialize)]
struct Judged {
    /// How that stands to what the contract says.
    words: &'static str,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Playing {
    /// One that is about to begin.
    pub fn new(experiment: &Experiment, guess: String) -> Self {
        Self {
            name: experiment.name,
            question: experiment.question,
            watch: experiment.watch,
            guess,
            state: State::Starts,
            what: "the steps are built and started".to_owned(),
            lasts: experiment.lasts,
            columns: Vec::new(),
            interrupted: Interrupted::default(),
        }
    }

    /// Whether it has not ended yet.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, State::Starts | State::Runs)
    }

    fn end(&mut self, state: State, what: String) {
        (self.state, self.what) = (state, what);
    }
}

/// Plays an experiment, while the visitors of the lab wait.
pub fn play(lab: &Lab, experiment: &'static Experiment) {
    lab.pause(true);
    let result = try_play(lab, experiment);
    // First the visitors, or somebody who sees the end could press a button that is undone by that.
    lab.pause(false);
    if let Some(playing) = &mut *lock(&lab.playing) {
        match result {
            Ok(true) => playing.end(State::Over, String::new()),
            Ok(false) => playing.end(State::Stopped, "it was stopped".to_owned()),
            Err(error) => playing.end(State::Failed, one_line(&error)),
        }
    }
}

/// Returns whether it came to its end.
fn try_play(lab: &Lab, experiment: &'static Experiment) -> Result<bool> {
    let steps = lab.steps(experiment)?;
    progress(&format!("the page plays {}", experiment.name));
    let subjects = Subject::build(&lab.root, &steps)?;
    let subjects = subjects.context("the steps do not compile; the terminal says why")?;
    let contract = Contract::read(&lab.root)?;
    let interrupted = with(lab, |playing| playing.interrupted.clone());
    let plan = Plan {
        experiment,
        subjects: &subjects,
        redis: &lab.redis,
        contract: &contract,
        seed: fastrand::u64(..1_000_000),
        interrupted: &interrupted,
    };
    with(lab, |playing| {
        let played = |name| Played {
            name,
            series: Series::default(),
            events: Vec::new(),
            verdict: None,
        };
        playing.columns = plan.columns().into_iter().map(played).collect();
    });
    let recording = plan.play(&|column, update| {
        with(lab, |playing| {
            playing.state = State::Runs;
            let Some(column) = playing.columns.get_mut(column) else {
                return;
            };
            match update {
                Update::Sample(sample) => column.series.push(sample),
                Update::Event(event) => column.events.push(event),
            }
        });
    })?;
    let Some(recording) = recording else {
        return Ok(false);
    };
    with(lab, |playing| {
        for (played, column) in playing.columns.iter_mut().zip(recording.columns) {
            let (words, verdict) = (column.verdict.outcome(), column.verdict);
            (played.series, played.events) = (column.series, column.events);
            played.verdict = Some(Judged { words, verdict });
        }
    });
    Ok(true)
}

/// Looks at the experiment that is played. Nobody takes it away before its end.
fn with<T>(lab: &Lab, look: impl FnOnce(&mut Playing) -> T) -> T {
    let mut playing = lock(&lab.playing);
    look(playing.as_mut().expect("an experiment is played"))
}
