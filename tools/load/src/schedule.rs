//! Who visits, and when: in a closed loop or in an open one.

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread::{self, Scope},
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::visitor::{Outcome, Visitor};

/// How long somebody waits at least who was refused, or found nobody. `Retry-After` asks for longer; most
/// wait for less.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// How late a visit of an open loop may begin. Who could not come for longer does not come.
const LATE_MAX: Duration = Duration::from_secs(10);

/// How often who waits for the next visit of an open loop looks whether that has changed.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What a visitor's thread needs, and more. There may be thousands of them.
const STACK_BYTES: usize = 256 * 1024;

/// Who visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many visitors there are at once, at most.
    pub visitors: usize,
    /// When they come.
    pub arrivals: Arrivals,
}

/// When visitors come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Each comes again so many milliseconds after its last visit has ended, on average: a closed loop.
    After(u64),
    /// So many visits begin in a second, whether or not the others have ended: an open loop.
    PerSecond(u64),
}

/// A plan of visits, which a seed repeats. It may change while they are made.
pub struct Schedule {
    seed: u64,
    timeout: Duration,
    state: Mutex<State>,
    /// How often the load has changed.
    changes: AtomicU64,
    /// Held by the one visitor of an open loop who waits for the next visit; the others wait for their turn.
    next: Mutex<Next>,
}

struct State {
    load: Load,
    addrs: Vec<SocketAddr>,
    /// How often the addresses have changed.
    moves: u64,
    /// The numbers of the visitors who have a thread.
    here: HashSet<usize>,
}

/// The next visit of an open loop.
struct Next {
    due: Option<Instant>,
    random: Rng,
}

impl Schedule {
    /// Plans visits to these copies of a service.
    pub fn new(load: Load, addrs: Vec<SocketAddr>, seed: u64, timeout: Duration) -> Self {
        Self {
            seed,
            timeout,
            state: Mutex::new(State {
                load,
                addrs,
                moves: 0,
                here: HashSet::new(),
            }),
            changes: AtomicU64::new(0),
            next: Mutex::new(Next {
                due: None,
                random: Rng::with_seed(seed),
            }),
        }
    }

    /// Changes who visits. Those who are too many leave after the visit that they are at; those who are too
    /// few come with the next call of [`send`](Self::send).
    pub fn change(&self, load: Load) {
        lock(&self.state).load = load;
        self.changes.fetch_add(1, SeqCst);
        lock(&self.next).due = None;
    }

    /// Says where the copies of the service are now.
    pub fn lead_to(&self, addrs: Vec<SocketAddr>) {
        let mut state = lock(&self.state);
        if state.addrs != addrs {
            state.addrs = addrs;
            state.moves += 1;
        }
    }

    /// Sends the visitors who are not here yet. They come until it is over. `visit` makes one visit, which was
    /// due at that moment.
    ///
    /// # Errors
    ///
    /// When the system has no room for so many threads. Those who found room come all the same.
    pub fn send<'scope, F>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        over: &'scope AtomicBool,
        visit: &'scope F,
    ) -> io::Result<()>
    where
        F: Fn(&mut Visitor, Instant) -> Outcome + Sync,
    {
        let visitors = lock(&self.state).load.visitors;
        for number in 0..visitors {
            if !lock(&self.state).here.insert(number) {
                continue;
            }
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            let come = move || self.come(number, over, visit);
            if let Err(error) = thread.spawn_scoped(scope, come) {
                lock(&self.state).here.remove(&number);
                return Err(error);
            }
        }
        Ok(())
    }

    /// A visitor who prefers the copy that it is the turn of.
    pub fn visitor(&self, number: usize) -> Visitor {
        let mut addrs = lock(&self.state).addrs.clone();
        let turn = number % addrs.len().max(1);
        addrs.rotate_left(turn);
        Visitor::new(addrs, self.timeout)
    }

    fn come<F>(&self, number: usize, over: &AtomicBool, visit: &F)
    where
        F: Fn(&mut Visitor, Instant) -> Outcome,
    {
        let mut random = Rng::with_seed(self.seed.wrapping_add(number as u64));
        let (mut visitor, mut known_moves) = (self.visitor(number), 0);
        while !over.load(SeqCst) {
            let changes = self.changes.load(SeqCst);
            let Some((arrivals, moves)) = self.stays(number) else {
                return;
            };
            if moves != known_moves {
                (visitor, known_moves) = (self.visitor(number), moves);
            }
            match arrivals {
                Arrivals::After(pause) => {
                    let outcome = visit(&mut visitor, Instant::now());
                    // Half as long or one and a half times: visitors do not march in step.
                    let own = Duration::from_millis(pause).mul_f64(random.f64() + 0.5);
                    thread::sleep(match outcome {
                        Outcome::Number(_) => own,
                        _ => own.max(REFUSED_PAUSE),
                    });
                }
                Arrivals::PerSecond(rate) => {
                    if let Some(due) = self.next_due(rate, changes, over) {
                        visit(&mut visitor, due);
                    }
                }
            }
        }
    }

    /// When this visitor comes and how often the addresses have changed; `None` if it is one too many, and
    /// leaves.
    fn stays(&self, number: usize) -> Option<(Arrivals, u64)> {
        let mut state = lock(&self.state);
        if number >= state.load.visitors {
            state.here.remove(&number);
            return None;
        }
        Some((state.load.arrivals, state.moves))
    }

    /// Waits for the next visit of an open loop; `None` if the load has changed meanwhile, or it is over.
    fn next_due(&self, rate: u64, changes: u64, over: &AtomicBool) -> Option<Instant> {
        let mut next = lock(&self.next);
        let now = Instant::now();
        let due = next.due.unwrap_or(now);
        let due = due.max(now.checked_sub(LATE_MAX).unwrap_or(due));
        loop {
            if over.load(SeqCst) || self.changes.load(SeqCst) != changes {
                return None;
            }
            match due.saturating_duration_since(Instant::now()) {
                Duration::ZERO => break,
                left => thread::sleep(left.min(POLL_INTERVAL)),
            }
        }
        // Independent visitors: the times between them are exponentially distributed.
        let until_next = -(1.0 - next.random.f64()).ln() / rate.max(1) as f64;
        next.due = Some(due + Duration::from_secs_f64(until_next));
        Some(due)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
