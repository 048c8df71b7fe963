//! Who visits, and when: in a closed loop or in an open one.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread::{self, Scope},
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::visitor::{Outcome, Visitor};

/// How long somebody waits at least who was refused, or found nobody. `Retry-After` asks for longer; most
/// wait for less.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// Who visits.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many visitors there are at once, at most.
    pub visitors: usize,
    /// When they come.
    pub arrivals: Arrivals,
}

/// When visitors come.
#[derive(Clone, Copy, Debug)]
pub enum Arrivals {
    /// Each comes again so many milliseconds after its last visit has ended, on average: a closed loop.
    After(u64),
    /// So many visits begin in a second, whether or not the others have ended: an open loop.
    PerSecond(u64),
}

/// A plan of visits, which a seed repeats.
pub struct Schedule {
    load: Load,
    addrs: Vec<SocketAddr>,
    seed: u64,
    timeout: Duration,
    /// When visits begin that come whether or not others have ended, after the start.
    due: Vec<Duration>,
    next: AtomicUsize,
}

impl Schedule {
    /// Plans visits to these copies of a service. In an open loop they end after `lasts`.
    pub fn new(
        load: Load,
        addrs: Vec<SocketAddr>,
        seed: u64,
        lasts: Duration,
        timeout: Duration,
    ) -> Self {
        let (mut due, mut at, mut random) = (Vec::new(), 0.0, Rng::with_seed(seed));
        if let Arrivals::PerSecond(rate) = load.arrivals {
            // Independent visitors: the times between them are exponentially distributed.
            while at < lasts.as_secs_f64() {
                due.push(Duration::from_secs_f64(at));
                at -= (1.0 - random.f64()).ln() / rate as f64;
            }
        }
        Self {
            load,
            addrs,
            seed,
            timeout,
            due,
            next: AtomicUsize::new(0),
        }
    }

    /// Sends the visitors, who come until it is over. `visit` makes one visit, which was due at that moment.
    pub fn send<'scope, F>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        over: &'scope AtomicBool,
        visit: &'scope F,
    ) where
        F: Fn(&mut Visitor, Instant) -> Outcome + Sync,
    {
        let started = Instant::now();
        for number in 0..self.load.visitors {
            let mut visitor = self.visitor(number);
            let mut visit = move |due| visit(&mut visitor, due);
            scope.spawn(move || match self.load.arrivals {
                Arrivals::After(pause) => {
                    let random = Rng::with_seed(self.seed.wrapping_add(number as u64));
                    come_again(&mut visit, pause, random, over);
                }
                Arrivals::PerSecond(_) => self.come_when_due(&mut visit, started, over),
            });
        }
    }

    /// A visitor who prefers the copy that it is the turn of.
    pub fn visitor(&self, number: usize) -> Visitor {
        let mut addrs = self.addrs.clone();
        let turn = number % addrs.len().max(1);
        addrs.rotate_left(turn);
        Visitor::new(addrs, self.timeout)
    }

    fn come_when_due(
        &self,
        visit: &mut impl FnMut(Instant) -> Outcome,
        started: Instant,
        over: &AtomicBool,
    ) {
        while let Some(due) = self.due.get(self.next.fetch_add(1, Relaxed)) {
            let due = started + *due;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if over.load(Relaxed) {
                return;
            }
            visit(due);
        }
    }
}

fn come_again(
    visit: &mut impl FnMut(Instant) -> Outcome,
    pause: u64,
    mut random: Rng,
    over: &AtomicBool,
) {
    while !over.load(Relaxed) {
        let outcome = visit(Instant::now());
        // Half as long or one and a half times: visitors do not march in step.
        let own = Duration::from_millis(pause).mul_f64(random.f64() + 0.5);
        thread::sleep(match outcome {
            Outcome::Number(_) => own,
            _ => own.max(REFUSED_PAUSE),
        });
    }
}
