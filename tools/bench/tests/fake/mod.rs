//! A machine without noise but for what a test adds, and the plan of a run on it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use bench::results::{
    Cpu, Entry, FORMAT, Figures, Latency, Load, LoadReport, Machine, Plan, Rate, Results,
};
use bench::{Executor, Outcome, Trial, run};

/// Answers every trial from a table of capacities.
#[derive(Default)]
pub struct Fake {
    /// What was asked.
    pub trials: Vec<Trial>,
    /// With how many connections the contestants were started, and how many they were.
    pub starts: Vec<(u32, usize)>,
    /// How far a measurement may lie below the truth, as a share.
    pub noise: f64,
    /// How much slower the reference is the second time, as a share.
    pub bias: f64,
    /// Which contestant is gone after which round.
    pub gone_after: Option<(&'static str, u32)>,
    /// Whose measurements never count.
    pub fails: Option<&'static str>,
    /// What the noise is made from.
    pub random: u64,
}

impl Executor for Fake {
    fn start(&mut self, contestants: &[Entry], connections: u32) {
        self.starts.push((connections, contestants.len()));
    }

    fn execute(&mut self, trial: &Trial) -> Outcome {
        self.trials.push(trial.clone());
        // The machine grows slower and faster, for everybody, and each measurement has noise of its own.
        let drift = 1.0 + f64::from(trial.round % 7) / 10.0;
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let noise = 1.0 - self.noise * (self.random >> 40) as f64 / f64::from(1 << 24);
        let again = if trial.contestant.ends_with("again") {
            1.0 - self.bias
        } else {
            1.0
        };
        let per_second = match trial.load {
            Load::Capacity => capacity(&trial.contestant) * drift * noise * again,
            Load::FixedRate(rate) => rate,
        };
        let is_disturbed = (trial.contestant.as_str(), trial.load)
            == ("step-4-pooled", Load::Capacity)
            && trial.round.is_multiple_of(4);
        let disturbed = "other programs used more than 5 % of the processors".to_owned();
        Outcome {
            discarded: (is_disturbed || self.fails == Some(trial.contestant.as_str()))
                .then_some(disturbed)
                .into_iter()
                .collect(),
            figures: Some(figures(trial, per_second)),
            is_gone: self
                .gone_after
                .is_some_and(|(name, round)| trial.contestant == name && trial.round == round),
        }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(2500) * self.trials.len() as u32
    }
}

fn capacity(contestant: &str) -> f64 {
    match contestant {
        "flask-debug" => 420.0,
        "flask-gunicorn" => 1_900.0,
        "step-2-redis" => 62_000.0,
        "step-3-rocket" => 97_000.0,
        "step-4-pooled" => 24_000.0,
        "limit" => 140_000.0,
        _ => 100_000.0,
    }
}

fn figures(trial: &Trial, per_second: f64) -> Figures {
    let connections = f64::from(trial.connections);
    // Near its capacity everybody waits for everybody.
    let queue = match trial.load {
        Load::Capacity => 1.0,
        Load::FixedRate(rate) => 1.0 / (1.0 - (rate / capacity(&trial.contestant)).min(0.99)),
    };
    let median_us = connections / capacity(&trial.contestant) * 1e6 * queue;
    Figures {
        report: LoadReport {
            responses: (per_second * 2.0) as u64,
            duration_us: 2_000_000,
            latency_us: Latency {
                p50: median_us,
                p90: median_us * 1.5,
                p99: median_us * 3.0,
                max: median_us * 20.0,
            },
            errors: BTreeMap::new(),
        },
        counted: Some((per_second * 2.0) as u64 + 3),
        cpu: Some(Cpu {
            server_us: 1_200_000.0 / capacity(&trial.contestant),
            redis_us: 1.5,
            load_us: 6.0,
        }),
        memory_bytes: Some((12 << 20) + u64::from(trial.connections) * 2048),
        idle_memory_bytes: Some(12 << 20),
        redis_commands: Some(match trial.contestant.as_str() {
            "step-2-redis" => 1.0,
            "step-4-pooled" => 3.0,
            "limit" => 0.006,
            _ => 0.0,
        }),
        other_cpu: Some(0.01),
        idle_cpu: Some(0.001),
        // As many as do not fit at once: a queue of 128.
        queue_overflows: Some(match trial.contestant.as_str() {
            "limit" => 0,
            _ => u64::from(trial.connections.saturating_sub(128)),
        }),
    }
}

pub const EVERYBODY: [&str; 7] = [
    "flask-debug",
    "flask-gunicorn",
    "step-1-memory",
    "step-2-redis",
    "step-3-rocket",
    "step-4-pooled",
    "limit",
];

/// A run of `rounds` rounds, or until it is exact, in which nothing was measured yet.
pub fn plan(names: &[&str], rounds: Option<u32>, rates: &[Rate]) -> Results {
    let entry = |name: &str| Entry {
        name: name.to_owned(),
        repeats: None,
        failure: None,
    };
    let mut contestants: Vec<Entry> = names.iter().map(|name| entry(name)).collect();
    contestants.push(Entry {
        repeats: Some("step-1-memory".to_owned()),
        ..entry("step-1-memory again")
    });
    Results {
        format: FORMAT,
        date: "2026-11-23T12:00:00Z".to_owned(),
        command: "cargo xtask bench all".to_owned(),
        commit: Some("0123456".to_owned()),
        machine: Machine {
            processor: "A processor".to_owned(),
            cores: 2,
            memory_bytes: Some(8 << 30),
            system: "A system".to_owned(),
            kernel: "Linux 6.1".to_owned(),
        },
        versions: BTreeMap::from([("wrk".to_owned(), "4.2.0".to_owned())]),
        plan: Plan {
            tables: Plan::tables(&[64, 1000], rates),
            threads: 2,
            duration_s: 2,
            warm_up_s: 1,
            rounds,
            precision: 0.03,
            budget_s: 600,
            seed: Some(7),
            engine: "wrk".to_owned(),
            profile: "release".to_owned(),
        },
        warnings: vec!["The machine runs on battery, which slows it down; plug it in.".to_owned()],
        contestants,
        rounds: Vec::new(),
    }
}

/// Runs the plan to its end.
pub fn finish(mut results: Results, fake: &mut Fake) -> Results {
    let done: Result<(), Infallible> = run(&mut results, fake, |_| Ok(()), || false);
    done.unwrap();
    results
}

/// Runs the plan until it was asked so often whether to stop: before and after each trial.
pub fn stop_when_asked(mut results: Results, fake: &mut Fake, times: u32) -> Results {
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > times
    };
    let done: Result<(), Infallible> = run(&mut results, fake, |_| Ok(()), stop);
    done.unwrap();
    results
}
