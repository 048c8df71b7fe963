//! What a button asks for, and within which limits.

use std::ops::RangeInclusive;

use experiments::{Action, Arrivals, Experiment, Load, catalog};
use fault_proxy::Fault;
use serde::Deserialize;

/// The most that can be asked for.
const VISITORS_MAX: usize = 1000;
const PAUSE_MS_MAX: u64 = 2000;
const RATE_MAX: u64 = 2000;
const DELAY_MS_MAX: u64 = 2000;
const LOSSES_MAX: usize = 10;
const SLOW_CLIENTS_MAX: usize = 500;
const GUESS_LETTERS_MAX: usize = 500;

/// What a button asks for, as it comes from the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// So many visitors, each of whom comes again after a pause in milliseconds.
    ClosedLoop {
        /// How many.
        visitors: usize,
        /// How long the pause is.
        pause: u64,
    },
    /// So many visits a second, by so many visitors at most.
    OpenLoop {
        /// How many.
        visitors: usize,
        /// How many visits.
        rate: u64,
    },
    /// Something of a name that `simple` knows.
    Act {
        /// The name.
        what: String,
    },
    /// Every command is late.
    Delay {
        /// By so many milliseconds.
        ms: u64,
    },
    /// The next commands are lost on the wire, or their replies.
    Lose {
        /// Whether it is the replies.
        replies: bool,
        /// How many.
        times: usize,
    },
    /// So many clients send half a request and wait.
    SlowClients {
        /// How many.
        clients: usize,
    },
    /// An experiment is played.
    Experiment {
        /// Its name.
        name: String,
        /// What somebody thinks will happen.
        guess: String,
    },
    /// The experiment ends early.
    StopExperiment {},
}

/// What is wanted, checked.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Other visitors.
    Load(Load),
    /// Something is done to every step.
    Action(Action),
    /// An experiment, with a guess.
    Experiment(&'static Experiment, String),
    /// No experiment.
    StopExperiment,
}

/// What can be done that needs no number, and how the page calls it.
pub const SIMPLE: [(&str, Action); 16] = [
    ("kill-redis", Action::KillRedis),
    ("start-redis", Action::StartRedis),
    ("freeze-redis", Action::FreezeRedis),
    ("thaw-redis", Action::ThawRedis),
    ("read-only-redis", Action::ReadOnlyRedis),
    ("writable-redis", Action::WritableRedis),
    ("slow-disk", Action::AwaitDisk(true)),
    ("fast-disk", Action::AwaitDisk(false)),
    ("cut-wire", Action::CutWire),
    ("stop-service", Action::StopService(0)),
    ("kill-service", Action::KillService(0)),
    ("start-service", Action::StartService(0)),
    ("start-second-copy", Action::StartService(1)),
    ("stop-second-copy", Action::StopService(1)),
    ("kill-second-copy", Action::KillService(1)),
    ("slow-clients-leave", Action::SlowClientsLeave),
];

impl Request {
    /// What that means, if it is within the limits.
    ///
    /// # Errors
    ///
    /// With what is wrong.
    pub fn check(self) -> Result<Wanted, String> {
        Ok(match self {
            Self::ClosedLoop { visitors, pause } => {
                within("visitors", visitors, 0..=VISITORS_MAX)?;
                within("the pause in ms", pause, 0..=PAUSE_MS_MAX)?;
                let arrivals = Arrivals::After(pause);
                Wanted::Load(Load { visitors, arrivals })
            }
            Self::OpenLoop { visitors, rate } => {
                within("visitors", visitors, 0..=VISITORS_MAX)?;
                within("visits a second", rate, 1..=RATE_MAX)?;
                let arrivals = Arrivals::PerSecond(rate);
                Wanted::Load(Load { visitors, arrivals })
            }
            Self::Act { what } => {
                let known = SIMPLE.iter().find(|(name, _)| *name == what);
                let (_, action) = known.ok_or_else(|| format!("nobody knows how to {what:?}"))?;
                Wanted::Action(*action)
            }
            Self::Delay { ms } => {
                within("the delay in ms", ms, 0..=DELAY_MS_MAX)?;
                Wanted::Action(Action::DelayWire(ms))
            }
            Self::Lose { replies, times } => {
                within("losses", times, 1..=LOSSES_MAX)?;
                let fault = match replies {
                    true => Fault::LostReply,
                    false => Fault::LostCommand,
                };
                Wanted::Action(Action::Wire(fault, times))
            }
            Self::SlowClients { clients } => {
                within("slow clients", clients, 1..=SLOW_CLIENTS_MAX)?;
                Wanted::Action(Action::SlowClients(clients))
            }
            Self::Experiment { name, guess } => {
                within(
                    "letters of the guess",
                    guess.chars().count(),
                    0..=GUESS_LETTERS_MAX,
                )?;
                let known = catalog::find(&name);
                let experiment = known.ok_or_else(|| format!("there is no experiment {name:?}"))?;
                Wanted::Experiment(experiment, guess.trim().to_owned())
            }
            Self::StopExperiment {} => Wanted::StopExperiment,
        })
    }
}

fn within<T: Copy + PartialOrd + std::fmt::Display>(
    what: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), String> {
    match range.contains(&value) {
        true => Ok(()),
        false => {
            let (low, high) = range.into_inner();
            Err(format!("{what}: {value}; it must be {low} to {high}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(json: &str) -> Result<Wanted, String> {
        let request: Request = serde_json::from_str(json).map_err(|error| error.to_string())?;
        request.check()
    }

    #[test]
    fn only_known_actions_with_values_in_range_are_wanted() {
        for good in [
            r#"{"do":"closed-loop","visitors":1000,"pause":0}"#,
            r#"{"do":"open-loop","visitors":256,"rate":400}"#,
            r#"{"do":"act","what":"kill-redis"}"#,
            r#"{"do":"lose","replies":true,"times":1}"#,
            r#"{"do":"experiment","name":"kill-redis","guess":"it heals"}"#,
            r#"{"do":"stop-experiment"}"#,
        ] {
            assert!(wanted(good).is_ok(), "{good}: {:?}", wanted(good));
        }
        for bad in [
            r#"{"do":"closed-loop","visitors":1001,"pause":0}"#,
            r#"{"do":"closed-loop","visitors":-1,"pause":0}"#,
            r#"{"do":"closed-loop","visitors":1,"pause":0,"rate":1}"#,
            r#"{"do":"open-loop","visitors":1,"rate":0}"#,
            r#"{"do":"act","what":"rm -rf /"}"#,
            r#"{"do":"delay","ms":2001}"#,
            r#"{"do":"lose","replies":true,"times":1000000}"#,
            r#"{"do":"slow-clients","clients":501}"#,
            r#"{"do":"experiment","name":"../x","guess":""}"#,
            r#"{"do":"everything"}"#,
            "[]",
            "",
        ] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
        let long = "x".repeat(GUESS_LETTERS_MAX + 1);
        assert!(
            wanted(&format!(
                r#"{{"do":"experiment","name":"burst","guess":"{long}"}}"#
            ))
            .is_err()
        );
    }

    #[test]
    fn every_button_of_the_page_has_an_action_and_the_other_way_round() {
        let page = include_str!("page/index.html");
        let buttons = page.split("data-act=\"").skip(1);
        let mut buttons: Vec<&str> = buttons.filter_map(|rest| rest.split('"').next()).collect();
        let mut known: Vec<&str> = SIMPLE.iter().map(|(name, _)| *name).collect();
        buttons.sort_unstable();
        known.sort_unstable();
        assert_eq!(buttons, known);
    }
}
