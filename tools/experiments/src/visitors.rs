//! What visitors note.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use load::{Outcome, Visitor, ledger};

use crate::recording::{Ledger, Sample};

/// How long a visit may take until it counts as silent.
pub const VISIT_TIMEOUT: Duration = Duration::from_millis(2500);

/// How long a visitor of a burst waits to be let in. The system tries again after 1 s: who has not got in
/// before has found no room.
const ROOM_TIMEOUT: Duration = Duration::from_millis(900);

/// How many of the numbers that were given again are kept.
const DUPLICATES_KEPT: usize = 20;

/// What the visitors of one step have noted so far.
#[derive(Default)]
pub struct Notes {
    /// Whether nobody comes any more.
    pub over: AtomicBool,
    in_flight: AtomicU32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Since the last sample.
    ends: [u32; 4],
    milliseconds: Vec<f32>,
    /// Since the start.
    numbers: ledger::Ledger,
    ledger: Ledger,
    /// How the last visit ended.
    last: Option<Outcome>,
    /// From when on all has been well again for a while.
    well_from: Option<Instant>,
}

impl Notes {
    /// From that moment on, all has been well again for a while.
    pub fn all_is_well_from(&self, moment: Instant) {
        self.lock().well_from = Some(moment);
    }

    /// What happened since the last time.
    pub fn sample(&self) -> Sample {
        let mut state = self.lock();
        state.milliseconds.sort_by(f32::total_cmp);
        // To the tenth: more is noise, and takes room.
        let times = &state.milliseconds;
        let at = |share: usize| {
            let time = times.get(times.len().saturating_sub(1) * share / 100)?;
            Some((time * 10.0).round() / 10.0)
        };
        let p50_p99 = at(50).zip(at(99));
        // Its room stays: the next sample takes about as much.
        state.milliseconds.clear();
        Sample {
            ends: std::mem::take(&mut state.ends),
            in_flight: self.in_flight.load(SeqCst),
            p50_p99,
            commands: None,
        }
    }

    /// What the visits came to so far.
    pub fn ledger(&self) -> Ledger {
        let state = self.lock();
        Ledger {
            duplicates: state.numbers.duplicates,
            gaps: state.numbers.gaps(),
            ..state.ledger.clone()
        }
    }

    /// How many visits are under way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(SeqCst)
    }

    /// How the last visit ended, if there was one.
    pub fn last(&self) -> Option<Outcome> {
        self.lock().last
    }

    /// The highest number that was given.
    pub fn highest(&self) -> Option<u64> {
        self.lock().numbers.highest()
    }

    /// How many numbers up to this one were not given, from the lowest on that was.
    pub fn gaps_up_to(&self, highest: u64) -> u64 {
        self.lock().numbers.gaps_up_to(highest)
    }

    /// Visits, and notes how it ended. `due` is when the visit should have begun.
    pub fn visit(&self, visitor: &mut Visitor, due: Instant) -> Outcome {
        self.in_flight.fetch_add(1, SeqCst);
        let outcome = visitor.visit().outcome;
        self.note(outcome, due);
        self.in_flight.fetch_sub(1, SeqCst);
        outcome
    }

    /// Visits as one of many who arrive in the same moment, and gives up where there is no room.
    pub fn visit_in_a_burst(&self, visitor: &mut Visitor) {
        let due = Instant::now();
        if visitor.connect_within(ROOM_TIMEOUT) {
            self.visit(visitor, due);
        } else {
            self.note(Outcome::Unconnected, due);
            self.lock().ledger.shut_out += 1;
        }
    }

    fn note(&self, outcome: Outcome, due: Instant) {
        let took = due.elapsed();
        let mut state = self.lock();
        state.last = Some(outcome);
        let ledger = &mut state.ledger;
        let (end, count) = match outcome {
            Outcome::Number(_) => (0, &mut ledger.answered),
            Outcome::Refused => (1, &mut ledger.refused),
            Outcome::Failed(_) => (2, &mut ledger.failed),
            Outcome::NoNumber => (2, &mut ledger.without_number),
            Outcome::Cut => (2, &mut ledger.cut),
            Outcome::Unconnected => (2, &mut ledger.unconnected),
            Outcome::Silent => (3, &mut ledger.silent),
        };
        *count += 1;
        state.ends[end] += 1;
        if end < 3 && outcome != Outcome::Unconnected {
            state.milliseconds.push(took.as_secs_f32() * 1000.0);
        }
        if let Outcome::Number(number) = outcome {
            let is_last = state.well_from.is_some_and(|well| due >= well);
            state.ledger.answered_at_last += u64::from(is_last);
            let is_new = state.numbers.note(number);
            if !is_new && state.ledger.first_duplicates.len() < DUPLICATES_KEPT {
                state.ledger.first_duplicates.push(number);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_takes_the_room_of_the_one_before() {
        const VISITS: usize = 1000;
        let notes = Notes::default();
        for _ in 0..VISITS {
            notes.note(Outcome::Refused, Instant::now());
        }
        let sample = notes.sample();
        assert!(sample.ends == [0, 1000, 0, 0] && sample.p50_p99.is_some());
        assert!(notes.lock().milliseconds.capacity() >= VISITS);
        // What was noted before is not noted again.
        assert_eq!(notes.sample().p50_p99, None);
    }
}
