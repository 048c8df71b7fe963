//! Which contestant runs when.

use crate::results::{Figures, Load, Rate, Results, Round};
use crate::summary::slowest_capacity;

/// One contestant to be loaded once.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The name under which the figures are kept.
    pub contestant: String,
    /// The name of the contestant to start: another one for a repetition.
    pub program: String,
    /// How many connections.
    pub connections: u32,
    /// Which kind of load.
    pub load: Load,
    /// The number of the round, from 1.
    pub round: u32,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Why it does not count. Empty when it does.
    pub discarded: Vec<String>,
    /// What was measured.
    pub figures: Option<Figures>,
}

impl Outcome {
    /// A trial that brought nothing, and why.
    pub(crate) fn none(reason: String) -> Outcome {
        Outcome {
            discarded: vec![reason],
            figures: None,
        }
    }
}

/// Carries out trials: for real in `trial`, and from a list in tests.
pub trait Executor {
    /// Carries out one trial.
    fn execute(&mut self, trial: &Trial) -> Outcome;
}

/// Runs every contestant as the plan says and adds each round to the results. `observe` is called
/// after each: it saves the results and shows progress. What runs when `stop` becomes true is not
/// added.
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
    let mut run_load = |results: &mut Results, connections, load| {
        for trial in trials(results, connections, load) {
            if stop() {
                return Ok(());
            }
            let outcome = executor.execute(&trial);
            if stop() {
                return Ok(());
            }
            results.rounds.push(Round {
                contestant: trial.contestant,
                connections,
                load,
                round: trial.round,
                discarded: outcome.discarded,
                figures: outcome.figures,
            });
            observe(results)?;
        }
        Ok(())
    };

    for connections in results.plan.connections.clone() {
        let rate = match results.plan.rate {
            None => {
                run_load(results, connections, Load::Capacity)?;
                continue;
            }
            Some(Rate::PerSecond(rate)) => Some(rate),
            Some(Rate::PercentOfSlowest(percent)) => {
                run_load(results, connections, Load::Capacity)?;
                // Less than one a second is not a load.
                slowest_capacity(results, connections)
                    .map(|capacity| (capacity * percent / 100.0).floor().max(1.0))
            }
        };
        // Without any capacity there is nothing to take a percentage of.
        if let Some(rate) = rate {
            run_load(results, connections, Load::FixedRate(rate))?;
        }
    }
    Ok(())
}

/// The trials of one kind of load: each contestant once a round, every other round in reverse
/// (A B C C B A …), so that whatever changes over time does not favour one of them.
fn trials(results: &Results, connections: u32, load: Load) -> Vec<Trial> {
    let mut trials = Vec::new();
    for round in 1..=results.plan.rounds {
        let mut contestants: Vec<_> = results
            .contestants
            .iter()
            .filter(|entry| entry.failure.is_none())
            .collect();
        if round.is_multiple_of(2) {
            contestants.reverse();
        }
        trials.extend(contestants.into_iter().map(|entry| Trial {
            contestant: entry.name.clone(),
            program: entry.repeats.as_ref().unwrap_or(&entry.name).clone(),
            connections,
            load,
            round,
        }));
    }
    trials
}
