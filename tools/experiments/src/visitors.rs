//! Who visits, and what they note.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, Scope},
    time::{Duration, Instant},
};

use load::{Outcome, Visit, Visitor, ledger};

use crate::{
    experiment::{Arrivals, Load},
    recording::{Ledger, Sample},
};

/// How long a visit may take until it counts as silent.
pub const VISIT_TIMEOUT: Duration = Duration::from_millis(2500);

/// How long somebody waits who was refused, or found nobody. `Retry-After` asks for longer; most wait for
/// less.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

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
        let mut times = std::mem::take(&mut state.milliseconds);
        times.sort_by(f32::total_cmp);
        // To the tenth: more is noise, and takes room.
        let at = |share: usize| {
            let time = times.get(times.len().saturating_sub(1) * share / 100)?;
            Some((time * 10.0).round() / 10.0)
        };
        Sample {
            ends: std::mem::take(&mut state.ends),
            in_flight: self.in_flight.load(SeqCst),
            p50_p99: at(50).zip(at(99)),
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

    /// Visits, and notes how it ended. `due` is when the visit should have begun.
    fn visit(&self, due: Instant, visit: impl FnOnce() -> Visit) -> Outcome {
        self.in_flight.fetch_add(1, SeqCst);
        let Visit { outcome, .. } = visit();
        self.in_flight.fetch_sub(1, SeqCst);
        let took = due.elapsed();
        let mut state = self.lock();
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
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who comes, to which copies, until when, and what repeats the plan.
pub struct Crowd {
    visitors: usize,
    addrs: Vec<SocketAddr>,
    seed: u64,
    pause: Option<u64>,
    /// When visits begin that come whether or not others have ended, after the start.
    due: Vec<Duration>,
    next: AtomicUsize,
}

impl Crowd {
    /// Makes the plan.
    pub fn new(load: Load, addrs: Vec<SocketAddr>, seed: u64, lasts: Duration) -> Self {
        let mut random = fault_proxy::random(seed, u64::MAX);
        let (mut due, mut at) = (Vec::new(), 0.0);
        let pause = match load.arrivals {
            Arrivals::After(pause) => Some(pause),
            Arrivals::PerSecond(rate) => {
                // Independent visitors: the times between them are exponentially distributed.
                while at < lasts.as_secs_f64() {
                    due.push(Duration::from_secs_f64(at));
                    at -= (1.0 - random.f64()).ln() / rate as f64;
                }
                None
            }
        };
        Self {
            visitors: load.visitors,
            addrs,
            seed,
            pause,
            due,
            next: AtomicUsize::new(0),
        }
    }

    /// Sends them. They come until it is over.
    pub fn send<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, notes: &'scope Notes) {
        let started = Instant::now();
        for number in 0..self.visitors {
            let visitor = self.visitor(number);
            scope.spawn(move || match self.pause {
                Some(pause) => {
                    let random = fault_proxy::random(self.seed, number as u64);
                    come_again(visitor, pause, random, notes);
                }
                None => self.come_when_due(visitor, started, notes),
            });
        }
    }

    /// Sends so many more, all at once, each for one visit.
    pub fn burst<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        visitors: usize,
        notes: &'scope Notes,
    ) {
        for number in 0..visitors {
            let mut visitor = self.visitor(number);
            scope.spawn(move || {
                let due = Instant::now();
                notes.visit(due, || match visitor.connect_within(ROOM_TIMEOUT) {
                    true => visitor.visit(),
                    false => {
                        notes.lock().ledger.shut_out += 1;
                        let (outcome, took) = (Outcome::Unconnected, due.elapsed());
                        Visit { outcome, took }
                    }
                })
            });
        }
    }

    /// A visitor who prefers the copy that it is the turn of.
    fn visitor(&self, number: usize) -> Visitor {
        let mut addrs = self.addrs.clone();
        let turn = number % addrs.len().max(1);
        addrs.rotate_left(turn);
        Visitor::new(addrs, VISIT_TIMEOUT)
    }

    fn come_when_due(&self, mut visitor: Visitor, started: Instant, notes: &Notes) {
        while let Some(due) = self.due.get(self.next.fetch_add(1, SeqCst)) {
            let due = started + *due;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if notes.over.load(SeqCst) {
                return;
            }
            notes.visit(due, || visitor.visit());
        }
    }
}

fn come_again(mut visitor: Visitor, pause: u64, mut random: fastrand::Rng, notes: &Notes) {
    while !notes.over.load(SeqCst) {
        let outcome = notes.visit(Instant::now(), || visitor.visit());
        // Half as long or one and a half times: visitors do not march in step.
        let own = Duration::from_millis(pause).mul_f64(random.f64() + 0.5);
        thread::sleep(match outcome {
            Outcome::Number(_) => own,
            _ => own.max(REFUSED_PAUSE),
        });
    }
}
