//! The steps, how they are, and what is done to them.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use experiments::{
    Arrivals, Experiment, Live, Load, Means, Redis, Setup, Subject, View, catalog::EXPERIMENTS,
};
use private_redis::RedisProgram;
use processes::poll;
use serde::Serialize;
use steps::Step;

use crate::{
    playing::{Playing, play},
    request::{SIMPLE, Wanted},
};

/// Who visits at first: so many that something is always on its way, so few that a laptop stays cool.
const AT_FIRST: Load = Load {
    visitors: 16,
    arrivals: Arrivals::After(100),
};

/// How slow the slow disk is, in milliseconds.
const SLOW_DISK_MS: u64 = 50;

/// How long an experiment may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Steps side by side under the same visitors.
pub struct Lab {
    /// Where the repository is.
    pub(crate) root: PathBuf,
    /// What serves as Redis, one for each step.
    pub(crate) redis: RedisProgram,
    means: Means,
    /// The steps that somebody has named, by their numbers. Experiments are played on them.
    named: Vec<u32>,
    columns: Mutex<Vec<Live>>,
    load: Mutex<Load>,
    /// The experiment that is played, or was the last one.
    pub(crate) playing: Mutex<Option<Playing>>,
}

/// What a browser shows.
#[derive(Serialize)]
struct Snapshot<'a> {
    visitors: usize,
    is_open_loop: bool,
    /// The pause in ms, or visits a second.
    pace: u64,
    /// The names of what would make a difference now.
    possible: Vec<&'static str>,
    columns: Vec<View>,
    playing: Option<&'a Playing>,
}

/// What does not change.
#[derive(Serialize)]
struct Catalog<'a> {
    /// Which Redis each step has.
    redis: String,
    /// What cannot be done on this machine, and what to do about it.
    notes: Vec<String>,
    /// The names of the buttons for it, which the page leaves out.
    left_out: Vec<&'static str>,
    experiments: Vec<Entry<'a>>,
}

/// An experiment in the list.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'static str,
    question: &'static str,
    watch: &'static str,
    steps: &'a [u32],
    /// What it needs that is not here.
    missing: Option<String>,
}

impl Lab {
    /// Starts everything, and does not wait for it. Experiments are played on the steps that are named, by
    /// their numbers; if none is, each on those that show most.
    pub fn start(
        root: &Path,
        redis: RedisProgram,
        means: Means,
        subjects: Vec<Subject>,
        named: Vec<u32>,
    ) -> Self {
        let (start, can_slow_disk) = (Instant::now(), means.can_slow_disk);
        let setup = Setup {
            settings: &[],
            redis: Redis {
                disk_delay: can_slow_disk.then_some(SLOW_DISK_MS),
                ..Redis::default()
            },
            waits_for_the_disk_later: can_slow_disk,
            has_wire: true,
            copies: 1,
        };
        let live = |subject| Live::start(subject, setup, redis.clone(), AT_FIRST, start);
        Self {
            root: root.to_owned(),
            columns: Mutex::new(subjects.into_iter().map(live).collect()),
            redis,
            means,
            named,
            load: Mutex::new(AT_FIRST),
            playing: Mutex::default(),
        }
    }

    /// Does what a button asks for.
    ///
    /// # Errors
    ///
    /// With what stands against it.
    pub fn carry_out(self: &Arc<Self>, wanted: Wanted) -> Result<(), String> {
        match wanted {
            Wanted::StopExperiment => self.stop_playing(),
            _ if self.is_playing() => {
                return Err("an experiment is played; wait for its end or stop it".to_owned());
            }
            Wanted::Load(load) => {
                *lock(&self.load) = load;
                self.send(load);
            }
            Wanted::Action(action) => {
                let columns = lock(&self.columns);
                let columns = columns.iter().filter(|column| column.allows(action));
                let columns: Vec<&Live> = columns.collect();
                if columns.is_empty() {
                    return Err(format!("{}: that makes no difference now", action.words()));
                }
                for column in columns {
                    column.act(action).map_err(|error| error.to_string())?;
                }
            }
            Wanted::Experiment(experiment, guess) => {
                if let Some(missing) = self.means.missing(experiment) {
                    return Err(format!("{} {missing}", experiment.name));
                }
                *lock(&self.playing) = Some(Playing::new(experiment, guess));
                let lab = Arc::clone(self);
                thread::spawn(move || play(&lab, experiment));
            }
        }
        Ok(())
    }

    /// Everything that changes, as JSON.
    pub fn snapshot(&self) -> String {
        let columns = lock(&self.columns);
        let playing = lock(&self.playing);
        let is_playing = playing.as_ref().is_some_and(Playing::is_under_way);
        let allows = |action| columns.iter().any(|column| column.allows(action));
        let possible = SIMPLE
            .iter()
            .filter(|(_, action)| !is_playing && allows(*action));
        let load = *lock(&self.load);
        let (is_open_loop, pace) = match load.arrivals {
            Arrivals::After(pause) => (false, pause),
            Arrivals::PerSecond(rate) => (true, rate),
        };
        to_json(&Snapshot {
            visitors: load.visitors,
            is_open_loop,
            pace,
            possible: possible.map(|(name, _)| *name).collect(),
            columns: columns.iter().map(Live::view).collect(),
            playing: playing.as_ref(),
        })
    }

    /// Everything that does not change, as JSON.
    pub fn catalog(&self) -> String {
        let entry = |experiment: &'static Experiment| Entry {
            name: experiment.name,
            question: experiment.question,
            watch: experiment.watch,
            steps: self.numbers(experiment),
            missing: self.means.missing(experiment),
        };
        let mut notes = Vec::new();
        if !self.means.is_real {
            notes.push(format!(
                "Each step has a small embedded Redis. It keeps no files: kill it, and the count begins anew. It \
                 has no disk to slow and is never read-only. For a real one, {}",
                self.means.how_to_have_redis()
            ));
        } else if !self.means.can_slow_disk {
            notes.push(format!(
                "The disk of Redis cannot be slowed here: that takes strace, which must be allowed to trace a \
                 program. {}",
                self.means.how_to_slow_a_disk()
            ));
        }
        let left_out = SIMPLE
            .iter()
            .filter(|(_, action)| !self.means.serve(*action));
        let left_out = left_out.map(|(name, _)| *name).collect();
        let version = self.redis.version().unwrap_or_default();
        to_json(&Catalog {
            redis: format!("{} {version}", self.redis).trim().to_owned(),
            notes,
            left_out,
            experiments: EXPERIMENTS.iter().map(entry).collect(),
        })
    }

    /// Ends everything that was started.
    pub fn end(&self) {
        self.stop_playing();
        let columns = std::mem::take(&mut *lock(&self.columns));
        thread::scope(|scope| {
            for column in columns {
                scope.spawn(move || drop(column));
            }
        });
        // What does not end in time is killed when we are gone.
        poll(END_TIMEOUT, POLL_INTERVAL, || {
            (!self.is_playing()).then_some(())
        });
    }

    /// Lets the visitors of all steps leave, or come back.
    pub(crate) fn pause(&self, is_paused: bool) {
        let load = *lock(&self.load);
        self.send(match is_paused {
            true => Load {
                visitors: 0,
                ..load
            },
            false => load,
        });
    }

    /// The steps that an experiment is played on.
    pub(crate) fn steps(&self, experiment: &Experiment) -> Result<Vec<Step>> {
        let mut steps = steps::all(&self.root)?;
        let numbers = self.numbers(experiment);
        steps.retain(|step| numbers.contains(&step.number));
        Ok(steps)
    }

    fn numbers(&self, experiment: &Experiment) -> &[u32] {
        match self.named.is_empty() {
            true => experiment.steps,
            false => &self.named,
        }
    }

    fn stop_playing(&self) {
        if let Some(playing) = &*lock(&self.playing) {
            playing.interrupted.now();
        }
    }

    fn send(&self, load: Load) {
        for column in &*lock(&self.columns) {
            column.change(load);
        }
    }

    fn is_playing(&self) -> bool {
        lock(&self.playing)
            .as_ref()
            .is_some_and(Playing::is_under_way)
    }
}

/// What a mutex holds. Nobody who panics leaves anything half done in ours.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("names of fields are strings")
}
