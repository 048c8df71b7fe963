//! Which contestant is measured when, and when it is enough.

use std::time::Duration;

use anyhow::Error;
use fastrand::Rng;

use crate::results::{Entry, Figures, Load, Plan, Planned, Rate, Results, Round};
use crate::summary::{capacities, widest};

/// Fewer rounds than these may agree by chance.
const ROUNDS_MIN: u32 = 10;

/// One contestant to be loaded once.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The name of the contestant.
    pub contestant: String,
    /// How many connections.
    pub connections: u32,
    /// Which kind of load.
    pub load: Load,
    /// The number of the round, from 1.
    pub round: u32,
}

/// What came of a trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Why it does not count. Empty when it does.
    pub discarded: Vec<String>,
    /// What was measured.
    pub figures: Option<Figures>,
    /// Whether the contestant is gone and cannot be measured again.
    pub is_gone: bool,
}

impl Outcome {
    /// A trial that brought nothing, and why.
    pub(crate) fn none(error: &Error) -> Outcome {
        Outcome {
            discarded: vec![format!("{error:#}")],
            ..Outcome::default()
        }
    }
}

/// Carries out trials: for real in `trial`, and from a list in tests.
pub trait Executor {
    /// Starts the contestants anew, all of them, and loads each for a moment, unmeasured.
    fn start(&mut self, contestants: &[Entry], connections: u32);
    /// Carries out one trial.
    fn execute(&mut self, trial: &Trial) -> Outcome;
    /// The time since the run began.
    fn elapsed(&self) -> Duration;
}

/// Measures every table of the plan and adds each measurement to the results. `observe` is called after
/// each: it saves the results and shows progress. What runs when `stop` becomes true is not added.
///
/// # Errors
///
/// The first error of `observe`.
pub fn run<E>(
    results: &mut Results,
    executor: &mut impl Executor,
    mut observe: impl FnMut(&Results) -> Result<(), E>,
    stop: impl Fn() -> bool,
) -> Result<(), E> {
    let mut rng = Rng::with_seed(results.plan.seed.unwrap_or_default());
    let tables = results.plan.tables.clone();
    let mut started = None;
    for (place, table) in tables.iter().enumerate() {
        let connections = table.connections;
        // Without any capacity there is nothing to take a percentage of.
        let Some(load) = load(results, table) else {
            continue;
        };
        let mut able = results.contestants.clone();
        able.retain(|entry| entry.failure.is_none());
        if started != Some(connections) && !stop() {
            executor.start(&able, connections);
            started = Some(connections);
        }
        // What one table does not need is left to the others.
        let budget = Duration::from_secs(results.plan.budget_s);
        let remaining = budget.saturating_sub(executor.elapsed());
        let deadline = executor.elapsed() + remaining / (tables.len() - place) as u32;
        for round in 1.. {
            // In random order, so that nobody always runs behind the same other one.
            rng.shuffle(&mut able);
            for entry in able.clone() {
                if stop() {
                    return Ok(());
                }
                let trial = Trial {
                    contestant: entry.name,
                    connections,
                    load,
                    round,
                };
                let outcome = executor.execute(&trial);
                if stop() {
                    return Ok(());
                }
                if outcome.is_gone {
                    able.retain(|other| other.name != trial.contestant);
                }
                results.rounds.push(Round {
                    contestant: trial.contestant,
                    connections,
                    load,
                    round,
                    discarded: outcome.discarded,
                    figures: outcome.figures,
                });
                observe(results)?;
            }
            let is_enough = match results.plan.rounds {
                Some(rounds) => round >= rounds,
                None => {
                    let is_exact =
                        || widest(results, connections, load, &able) <= results.plan.precision;
                    executor.elapsed() >= deadline || round >= ROUNDS_MIN && is_exact()
                }
            };
            if is_enough || able.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

/// The load of a table. `None` when it is a percentage of nothing.
fn load(results: &Results, table: &Planned) -> Option<Load> {
    let capacities = capacities(results, table.connections).into_iter();
    let rate = match table.rate {
        None => return Some(Load::Capacity),
        Some(Rate::PerSecond(rate)) => rate,
        Some(Rate::PercentOfSlowest(percent)) => {
            capacities.min_by(f64::total_cmp)? * percent / 100.0
        }
        Some(Rate::PercentOfFastest(percent)) => {
            capacities.max_by(f64::total_cmp)? * percent / 100.0
        }
    };
    // Less than one a second is not a load.
    Some(Load::FixedRate(rate.floor().max(1.0)))
}

impl Plan {
    /// The tables for these numbers of connections, each followed by those at these rates. A percentage
    /// needs the capacity first.
    pub fn tables(connections: &[u32], rates: &[Rate]) -> Vec<Planned> {
        let needs_capacity = !matches!(rates, [Rate::PerSecond(_), ..]);
        let kinds = needs_capacity.then_some(None).into_iter();
        let kinds: Vec<Option<Rate>> = kinds.chain(rates.iter().copied().map(Some)).collect();
        let kinds = || kinds.iter().copied();
        let tables = connections
            .iter()
            .flat_map(|&connections| kinds().map(move |rate| Planned { connections, rate }));
        tables.collect()
    }
}
