//! Carries experiments out.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use fault_proxy::Fault;
use load::{Schedule, Visitor, redis_commands};
use private_redis::RedisProgram;
use processes::interrupt::Interrupted;

use crate::{
    Contract, Subject,
    asker::Asker,
    experiment::{Action, Experiment, Lane, Variant},
    recording::{Column, Event, Ledger, Recording, SAMPLE_MS, Sample, Series, VERSION},
    stage::{Probe, Stage},
    verdict::Case,
    visitors::{Notes, VISIT_TIMEOUT},
};

/// How long all must have been well until numbers must come again, and how long they are then waited for.
const HEAL_TIME: Duration = Duration::from_secs(2);
const LOOK_TIME: Duration = Duration::from_secs(1);

/// How long Redis may take to say how many commands it has run. It is asked again soon.
const REDIS_TIMEOUT: Duration = Duration::from_millis(60);

/// How often it is looked whether all is over.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What is to be carried out.
pub struct Plan<'a> {
    /// The experiment.
    pub experiment: &'static Experiment,
    /// On which steps, side by side.
    pub subjects: &'a [Subject],
    /// On which Redis, each step with one of its own.
    pub redis: &'a RedisProgram,
    /// What the contract says of the steps.
    pub contract: &'a Contract,
    /// What repeats the plan: when visitors come, and what is lost on the wire. What comes of it is up to
    /// the threads.
    pub seed: u64,
    /// Whether to end early.
    pub interrupted: &'a Interrupted,
}

/// What happens while it is carried out.
#[derive(Clone, Debug)]
pub enum Update {
    /// A tenth of a second of one step.
    Sample(Sample),
    /// Something was done to it.
    Event(Event),
}

/// Told of all that happens, and to which column, from many threads.
pub type Observer<'a> = &'a (dyn Fn(usize, Update) + Sync);

impl Plan<'_> {
    /// The names of the columns: each step, in each way that it is set up.
    pub fn columns(&self) -> Vec<String> {
        let steps = self.subjects.iter().map(|subject| subject.name.as_str());
        self.experiment.columns(steps)
    }

    /// Carries it out. `None` if it was interrupted.
    ///
    /// # Errors
    ///
    /// When something does not start, or cannot be done.
    pub fn play(&self, observe: Observer) -> Result<Option<Recording>> {
        let mut stages = Vec::new();
        for (subject, variant) in self.pairs() {
            if self.interrupted.yet() {
                return Ok(None);
            }
            let setup = self.experiment.setup(variant);
            let stage = Stage::set(setup, subject, self.redis, self.seed);
            stages.push(stage.with_context(|| format!("{} cannot be set up", subject.name))?);
        }
        let failed = AtomicBool::new(false);
        let start = Instant::now();
        let run = |(column, stage): (usize, Stage)| {
            let run = Run {
                plan: self,
                column,
                start,
                failed: &failed,
                observe,
            };
            run.finish(stage)
                .inspect_err(|_| failed.store(true, SeqCst))
        };
        let run = &run;
        let results: Vec<Result<(Series, Vec<Event>, Ledger)>> = thread::scope(|scope| {
            let runs = stages.into_iter().enumerate();
            let runs: Vec<_> = runs.map(|stage| scope.spawn(move || run(stage))).collect();
            let results = runs
                .into_iter()
                .map(|run| run.join().expect("a run does not panic"));
            results.collect()
        });
        if self.interrupted.yet() {
            return Ok(None);
        }
        let columns = self.columns().into_iter().zip(self.pairs()).zip(results);
        let column = |((name, (subject, variant)), result): ((_, (&Subject, _)), _)| {
            let (series, events, ledger): (Series, Vec<Event>, Ledger) = result?;
            let case = Case {
                experiment: self.experiment,
                variant,
                step: &subject.name,
                contract: self.contract,
                ledger: &ledger,
            };
            let verdict = case.judge();
            Ok(Column {
                name,
                series,
                events,
                ledger,
                verdict,
            })
        };
        Ok(Some(Recording {
            version: VERSION,
            experiment: self.experiment.name.to_owned(),
            question: self.experiment.question.to_owned(),
            seed: self.seed,
            redis: format!(
                "{} {}",
                self.redis,
                self.redis.version().unwrap_or_default()
            )
            .trim()
            .to_owned(),
            lasts: self.experiment.lasts,
            columns: columns.map(column).collect::<Result<_>>()?,
        }))
    }

    fn pairs(&self) -> impl Iterator<Item = (&Subject, &'static Variant)> {
        let variants = self.experiment.variants;
        let subjects = self.subjects.iter();
        subjects.flat_map(move |subject| variants.iter().map(move |variant| (subject, variant)))
    }
}

/// One column under way.
struct Run<'a> {
    plan: &'a Plan<'a>,
    column: usize,
    start: Instant,
    failed: &'a AtomicBool,
    observe: Observer<'a>,
}

impl Run<'_> {
    /// Lets the visitors come, follows the script, and asks Redis at the end.
    fn finish(&self, mut stage: Stage) -> Result<(Series, Vec<Event>, Ledger)> {
        let Plan {
            experiment, seed, ..
        } = *self.plan;
        let start = if self.counts_in_redis() {
            stage.count()?
        } else {
            0
        };
        let schedule = Schedule::new(experiment.load, stage.addrs(), seed, VISIT_TIMEOUT);
        let (notes, probe) = (Notes::default(), stage.probe());
        let visit = |visitor: &mut Visitor, due| notes.visit(visitor, due);
        let (script, (mut series, losses, commands)) = thread::scope(|scope| {
            let sent = schedule.send(scope, &notes.over, &visit);
            let sampler = scope.spawn(|| self.watch(&notes, &probe));
            let burst = |visitors| {
                for number in 0..visitors {
                    let mut visitor = schedule.visitor(number);
                    let notes = &notes;
                    scope.spawn(move || notes.visit_in_a_burst(&mut visitor));
                }
            };
            let sent = sent.context("there is no room for so many visitors");
            let script = sent.and_then(|()| self.follow(&mut stage, &notes, burst));
            notes.over.store(true, SeqCst);
            (script, sampler.join().expect("the sampler does not panic"))
        });
        // Those who were still waiting.
        series.push(notes.sample());
        let mut events = script?;
        events.extend(losses);
        events.sort_by_key(|event| event.at);
        // Who was interrupted does not wait for a Redis that may be dead.
        let is_asked = self.counts_in_redis() && !self.is_over();
        let count = is_asked.then(|| stage.count()).transpose()?;
        let held = stage.held();
        let (first, last) = (experiment.script.first(), experiment.script.last());
        let p50_meanwhile = first
            .zip(last)
            .and_then(|(first, last)| series.p50_between(first.0, last.0));
        let ledger = Ledger {
            start,
            count,
            held,
            commands,
            p50_meanwhile,
            ..notes.ledger()
        };
        Ok((series, events, ledger))
    }

    fn counts_in_redis(&self) -> bool {
        let subjects = self.plan.pairs().nth(self.column);
        subjects.is_some_and(|(subject, _)| subject.needs_redis)
    }

    /// Does what the script says, when it says so.
    fn follow(
        &self,
        stage: &mut Stage,
        notes: &Notes,
        burst: impl Fn(usize),
    ) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for &(at, action) in self.plan.experiment.script {
            if !self.sleep_until(self.start + Duration::from_millis(at)) {
                return Ok(events);
            }
            let event = Event {
                at: self.elapsed(),
                lane: action.lane(),
                what: action.words(),
                is_well: action.makes_well(),
                is_loss: false,
            };
            (self.observe)(self.column, Update::Event(event.clone()));
            events.push(event);
            match action {
                Action::Burst(visitors) => burst(visitors),
                action => {
                    let name = &self.plan.columns()[self.column];
                    let what = || format!("{name} does not let this be done: {}", action.words());
                    stage.act(action).with_context(what)?;
                }
            }
        }
        let well_from = Instant::now() + HEAL_TIME;
        notes.all_is_well_from(well_from);
        let end = self.start + self.plan.experiment.duration();
        self.sleep_until(end.max(well_from + LOOK_TIME));
        Ok(events)
    }

    /// Takes a sample each tenth of a second, and notes what the wire loses. Also returns how many commands
    /// Redis has run.
    fn watch(&self, notes: &Notes, probe: &Probe) -> (Series, Vec<Event>, u64) {
        let (mut series, mut events) = (Series::default(), Vec::new());
        let mut redis = CommandCounter::new();
        let mut known = probe.faults();
        for number in 1.. {
            self.sleep_until(self.start + Duration::from_millis(number * SAMPLE_MS));
            if notes.over.load(SeqCst) || self.is_over() {
                break;
            }
            let mut sample = notes.sample();
            sample.commands = redis.since_last(probe);
            let faults = probe.faults();
            for (fault, times) in &faults {
                let new = times - known.get(fault).unwrap_or(&0);
                let event = Event {
                    at: self.elapsed(),
                    lane: Lane::Wire,
                    what: loss(*fault).to_owned(),
                    is_well: None,
                    is_loss: true,
                };
                for _ in 0..new {
                    (self.observe)(self.column, Update::Event(event.clone()));
                    events.push(event.clone());
                }
            }
            known = faults;
            (self.observe)(self.column, Update::Sample(sample));
            series.push(sample);
        }
        (series, events, redis.all)
    }

    /// Waits, and says whether it goes on.
    fn sleep_until(&self, moment: Instant) -> bool {
        while !self.is_over() {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
        false
    }

    fn is_over(&self) -> bool {
        self.plan.interrupted.yet() || self.failed.load(SeqCst)
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What a fault of the wire is called where it is shown.
pub fn loss(fault: Fault) -> &'static str {
    match fault {
        Fault::LostCommand => "command lost",
        Fault::LostReply | Fault::HalfReply => "reply lost",
        Fault::Garbage => "reply garbled",
        Fault::Late | Fault::TooLate | Fault::Pieces => "reply late",
    }
}

/// Counts the commands that a Redis has run.
struct CommandCounter {
    asker: Asker,
    last: Option<u64>,
    all: u64,
}

impl CommandCounter {
    fn new() -> Self {
        Self {
            asker: Asker::new(REDIS_TIMEOUT),
            last: None,
            all: 0,
        }
    }

    /// How many it has run since the last time, if it says so.
    fn since_last(&mut self, probe: &Probe) -> Option<u32> {
        let info = self
            .asker
            .ask(&probe.redis_url(), &["INFO", "commandstats"])?;
        let now = redis_commands(info.as_text().unwrap_or_default());
        // A Redis that has started again counts from 0.
        let before = self.last.replace(now).filter(|before| *before <= now);
        let new = now - before.unwrap_or(0);
        self.all += new;
        u32::try_from(new).ok()
    }
}
