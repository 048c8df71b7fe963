//! The figures: what each asks, what can be changed in it, and how it is drawn.

mod batching;
mod failover;
mod json;
mod loops;
mod pools;

use crate::world::{Costs, MS, Machine, Nanos};

/// How long a thread may work while others wait: the base slice of Linux on a machine with two to three cores,
/// 0.7 ms × (1 + log₂ 2), `kernel/sched/fair.c`.
pub const SLICE: Nanos = 1_400_000;

/// All figures.
pub static FIGURES: [Figure; 4] = [
    batching::FIGURE,
    loops::FIGURE,
    pools::FIGURE,
    failover::FIGURE,
];

/// A figure that a reader plays with.
pub struct Figure {
    /// Its name, as a page asks for it.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// What the reader guesses before anything is shown.
    pub guess: Guess,
    /// What can be changed.
    pub controls: &'static [Control],
    /// How long the picture takes to play, in milliseconds.
    pub plays_for: u32,
    draw: fn(&Measured, &[f64]) -> Drawn,
}

/// A question, and what is offered as its answer.
pub struct Guess {
    /// The question, about the picture as it is at first.
    pub question: &'static str,
    /// The answers: each in words, and as a number. The one that is nearest to what the model says is right.
    pub answers: &'static [(&'static str, f64)],
}

/// Something that can be changed.
pub struct Control {
    /// What it is.
    pub label: &'static str,
    /// How it is changed.
    pub kind: Kind,
    /// What it is at first: a place in the list, or nothing done.
    pub first: usize,
}

/// How something is changed.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Along a line of values, in this unit. The setting is the value.
    Slide(&'static [f64], &'static str),
    /// To one of these. The setting is its place in the list.
    Choice(&'static [&'static str]),
    /// By a button that lets it happen at the moment that is shown. The setting is the moment in nanoseconds;
    /// less than 0 is never.
    Moment,
}

/// What a figure becomes with some settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The picture.
    pub svg: String,
    /// How much time it shows.
    pub window: Nanos,
    /// What happens in it, in order: when, and what.
    pub events: Vec<(Nanos, String)>,
    /// The figures beside it: a heading, and rows.
    pub table: Vec<Vec<String>>,
    /// What was to be guessed.
    pub answer: f64,
    /// The same in words, and why.
    pub because: String,
}

/// What the published run measured, in so far as the model needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// How many cores all programs shared.
    pub cores: usize,
    /// Of step 2, whose connection is a pipe.
    pub pipe: Costs,
    /// Of step 4, which has a pool.
    pub pool: Costs,
    /// Of step 5, which sends batches.
    pub batch: Costs,
}

impl Measured {
    /// How many numbers it is.
    pub const LEN: usize = 7;

    /// It as numbers. What the load generator costs is left out: the visitors of a figure are elsewhere.
    pub fn numbers(&self) -> [f64; Self::LEN] {
        let costs = [self.pipe, self.pool, self.batch];
        let mut numbers = [self.cores as f64; Self::LEN];
        for (pair, costs) in numbers[1..].chunks_mut(2).zip(costs) {
            pair.copy_from_slice(&[costs.server as f64, costs.redis_packet as f64]);
        }
        numbers
    }

    /// It from its numbers. What is missing costs nothing.
    pub fn from_numbers(numbers: &[f64]) -> Self {
        let number = |place: usize| numbers.get(place).copied().unwrap_or(0.0);
        let costs = |place| Costs {
            load: 0,
            server: number(place) as Nanos,
            redis_packet: number(place + 1) as Nanos,
        };
        Self {
            cores: (number(0) as usize).max(1),
            pipe: costs(1),
            pool: costs(3),
            batch: costs(5),
        }
    }

    /// The machine, without a load generator.
    fn machine(&self) -> Machine {
        Machine {
            cores: self.cores,
            slice: SLICE,
            load_threads: 0,
        }
    }
}

impl Figure {
    /// The figure of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FIGURES.iter().find(|figure| figure.name == name)
    }

    /// The settings that it has at first.
    pub fn settings(&self) -> Vec<f64> {
        let controls = self.controls.iter();
        let first = controls.map(|control| match control.kind {
            Kind::Slide(values, _) => values[control.first],
            Kind::Choice(_) => control.first as f64,
            Kind::Moment => -1.0,
        });
        first.collect()
    }

    /// Lets the model run and draws what happens. A setting that is missing is as at first.
    pub fn draw(&self, measured: &Measured, settings: &[f64]) -> Drawn {
        let mut all = self.settings();
        for (known, wanted) in all.iter_mut().zip(settings) {
            *known = *wanted;
        }
        (self.draw)(measured, &all)
    }

    /// What a script needs to know of it, as JSON.
    pub fn json(&self, measured: &Measured) -> String {
        json::figure(self, measured)
    }
}

impl Drawn {
    /// It as JSON.
    pub fn json(&self) -> String {
        json::drawn(self)
    }
}

/// A length of time in a setting, which is in milliseconds.
fn ms(setting: f64) -> Nanos {
    (setting * MS as f64) as Nanos
}

/// A moment in a setting; none if it never comes.
fn moment(setting: f64) -> Option<Nanos> {
    (setting >= 0.0).then_some(setting as Nanos)
}

/// Events of which no two lie so near each other that nobody could read them, and the last of all.
fn spread(mut events: Vec<(Nanos, String)>, window: Nanos) -> Vec<(Nanos, String)> {
    const AT_MOST: Nanos = 30;
    events.retain(|(at, _)| *at <= window);
    events.sort_by_key(|(at, _)| *at);
    let last = events.pop();
    let mut free_from = 0;
    events.retain(|(at, _)| {
        let is_kept = *at >= free_from;
        if is_kept {
            free_from = at + window / AT_MOST;
        }
        is_kept
    });
    events.extend(last);
    events
}

/// "1 visit", "2 visits".
fn plural(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_order_apart_from_each_other_and_the_last_one_always() {
        let event = |at: Nanos| (at, at.to_string());
        let spread = |ats: &[Nanos]| -> Vec<Nanos> {
            let events = ats.iter().map(|at| event(*at)).collect();
            spread(events, 300).into_iter().map(|(at, _)| at).collect()
        };
        assert_eq!(spread(&[]), []);
        // 10 is as near as two of 30 in a window of 300 may be; 301 is out of it.
        assert_eq!(
            spread(&[25, 301, 9, 0, 10, 299, 298, 50]),
            [0, 10, 25, 50, 298, 299]
        );
        assert_eq!(spread(&[300, 0, 5]), [0, 300]);
    }
}
