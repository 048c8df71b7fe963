//! A step under visitors who come until somebody ends it, and to which anything can be done meanwhile.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::Ordering::SeqCst,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use load::{Load, Schedule, Visitor};
use output::terminal::one_line;
use private_redis::RedisProgram;

use crate::{
    Setup, Subject,
    asker::Asker,
    engine::loss,
    experiment::{Action, Lane},
    recording::{Event, Ledger},
    stage::{Probe, Stage},
    view::{Second, Tally, View, sentence},
    visitors::{Notes, VISIT_TIMEOUT},
};

/// How much is remembered: seconds, events, lines of the log, sizes of batches.
const SECONDS_KEPT: usize = 60;
const EVENTS_KEPT: usize = 30;
const LOG_LINES: usize = 8;
const SIZES_SHOWN: usize = 12;

/// How many orders may wait for the one before to be carried out.
const ORDERS_MAX: usize = 16;

/// How often it is looked how the parts are, if nobody orders anything.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How long Redis may take to say where the count stands. It is asked once a second.
const REDIS_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a stage that could not be set up is left alone before the next attempt.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);

/// How long a number may be on its way to a visitor: what nobody has after so many seconds is a gap.
const SETTLING_SECONDS: usize = 4;

/// How long the end may take. What runs on is killed when we are gone.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// A step with all that belongs to it, and its visitors. All of it ends when this is dropped.
pub struct Live {
    shared: Arc<Shared>,
    /// There until the end begins.
    orders: Option<SyncSender<Action>>,
    /// Closed when all has ended.
    ended: Mutex<Receiver<()>>,
}

/// What its threads share.
struct Shared {
    name: String,
    start: Instant,
    notes: Notes,
    /// Who shall visit.
    load: Mutex<Load>,
    view: Mutex<View>,
}

impl Live {
    /// Starts it, and does not wait: [`View::busy`] says how far it has come. `start` is when time begins.
    pub fn start(
        subject: Subject,
        setup: Setup,
        program: RedisProgram,
        load: Load,
        start: Instant,
    ) -> Self {
        let shared = Arc::new(Shared {
            name: subject.name.clone(),
            start,
            notes: Notes::default(),
            load: Mutex::new(load),
            view: Mutex::new(View {
                name: subject.name.clone(),
                busy: Some("it starts".to_owned()),
                ..View::default()
            }),
        });
        let (orders, received) = sync_channel(ORDERS_MAX);
        let (alive, ended) = channel();
        let own = shared.clone();
        thread::spawn(move || {
            let set = || Stage::set(setup, &subject, &program, 0);
            own.run(set, subject.needs_redis, &received, alive);
        });
        Self {
            shared,
            orders: Some(orders),
            ended: Mutex::new(ended),
        }
    }

    /// Does something, as soon as what was ordered before has been done. What cannot be done is an event.
    ///
    /// # Errors
    ///
    /// When too much waits to be done already.
    pub fn act(&self, action: Action) -> Result<()> {
        let sent = self.orders.as_ref().map(|orders| orders.try_send(action));
        if !matches!(sent, Some(Ok(()))) {
            bail!("{} is still busy; try again in a moment", self.shared.name);
        }
        Ok(())
    }

    /// Changes who visits, in a moment.
    pub fn change(&self, load: Load) {
        *lock(&self.shared.load) = load;
    }

    /// How it is.
    pub fn view(&self) -> View {
        self.shared.view().clone()
    }

    /// Whether doing that would make a difference now.
    pub fn allows(&self, action: Action) -> bool {
        let view = self.shared.view();
        view.condition
            .as_ref()
            .is_some_and(|condition| condition.allows(action))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.notes.over.store(true, SeqCst);
        self.orders = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(END_TIMEOUT);
    }
}

impl Shared {
    /// Sets the stage, tries again for as long as that fails, and then lets visitors come until it is over.
    /// `alive` is dropped when all processes have ended: nobody waits for visitors.
    fn run(
        &self,
        set: impl Fn() -> Result<Stage>,
        needs_redis: bool,
        orders: &Receiver<Action>,
        alive: impl Send,
    ) {
        let (mut stage, count) = loop {
            let set = set().and_then(|stage| {
                let count = if needs_redis { stage.count()? } else { 0 };
                Ok((stage, count))
            });
            match set {
                Ok(set) => break set,
                Err(error) => self.trouble("it cannot be set up", &error),
            }
            self.view().busy = Some("another attempt in a moment".to_owned());
            // Nothing can be done to what is not there.
            if orders.recv_timeout(RETRY_INTERVAL) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        };
        let mut load = *lock(&self.load);
        let schedule = Schedule::new(load, stage.addrs(), 0, VISIT_TIMEOUT);
        let visit = |visitor: &mut Visitor, due| self.notes.visit(visitor, due);
        let probe = stage.probe();
        if let Some(wire) = probe.wire() {
            wire.keep(SIZES_SHOWN);
        }
        thread::scope(|scope| {
            let send = || {
                if let Err(error) = schedule.send(scope, &self.notes.over, &visit) {
                    self.trouble("not all visitors find room", &error.into());
                }
            };
            send();
            scope.spawn(|| self.watch(&probe, needs_redis, count));
            loop {
                self.look(&mut stage);
                match orders.recv_timeout(LOOK_INTERVAL) {
                    Ok(action) => self.act(&mut stage, action),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                schedule.lead_to(stage.addrs());
                let wanted = *lock(&self.load);
                if wanted != load {
                    load = wanted;
                    schedule.change(load);
                    send();
                }
            }
            stage.end();
            drop(alive);
        });
    }

    /// Does something if it makes a difference, and says so.
    fn act(&self, stage: &mut Stage, action: Action) {
        match stage.condition() {
            Ok(condition) if !condition.allows(action) => return,
            Ok(_) => {}
            Err(error) => self.trouble("its processes are out of control", &error),
        }
        self.view().busy = Some(action.words());
        self.happened(Event {
            at: self.elapsed(),
            lane: action.lane(),
            what: action.words(),
            is_well: action.makes_well(),
            is_loss: false,
        });
        if let Err(error) = stage.act(action) {
            self.trouble(&format!("{} fails", action.words()), &error);
        }
    }

    /// Sees how all parts are.
    fn look(&self, stage: &mut Stage) {
        let condition = stage
            .condition()
            .inspect_err(|error| self.trouble("its processes are out of control", error));
        let pages = stage
            .addrs()
            .into_iter()
            .map(|addr| format!("http://{addr}/"));
        let (pages, log) = (pages.collect(), stage.log(LOG_LINES));
        let mut view = self.view();
        view.condition = condition.ok();
        view.pages = pages;
        view.log = log;
        view.busy = None;
    }

    /// Sums up each second.
    fn watch(&self, probe: &Probe, needs_redis: bool, count: u64) {
        let (mut redis, mut faults) = (Asker::new(REDIS_TIMEOUT), probe.faults());
        let mut commands = 0;
        let mut highest = VecDeque::new();
        let mut next = Instant::now();
        while !self.notes.over.load(SeqCst) {
            next += Duration::from_secs(1);
            let now = Instant::now();
            if next < now {
                // The machine has slept.
                next = now + Duration::from_secs(1);
            }
            while Instant::now() < next && !self.notes.over.load(SeqCst) {
                thread::sleep(LOOK_INTERVAL.min(next.saturating_duration_since(Instant::now())));
            }
            let sample = self.notes.sample();
            let all = probe.wire().map_or(0, |wire| wire.commands());
            let second = Second {
                at: self.elapsed(),
                ends: sample.ends,
                in_flight: sample.in_flight,
                p50_p99: sample.p50_p99,
                commands: all - std::mem::replace(&mut commands, all),
            };
            let new = probe.faults();
            for (fault, times) in &new {
                let new = times - faults.get(fault).unwrap_or(&0);
                if new > 0 {
                    self.happened(Event {
                        at: self.elapsed(),
                        lane: Lane::Wire,
                        what: format!("{} ({new})", loss(*fault)),
                        is_well: None,
                        is_loss: true,
                    });
                }
            }
            faults = new;
            highest.push_back(self.notes.highest());
            if highest.len() > SETTLING_SECONDS {
                highest.pop_front();
            }
            let settled = highest.front().copied().flatten();
            let tally = self.tally(&mut redis, probe, needs_redis.then_some(count), settled);
            let mut view = self.view();
            view.seconds.push_back(second);
            if view.seconds.len() > SECONDS_KEPT {
                view.seconds.pop_front();
            }
            view.redis = probe.redis_url();
            view.sizes = probe
                .wire()
                .map(|wire| wire.last_sizes(SIZES_SHOWN))
                .unwrap_or_default();
            view.sentence = sentence(self.notes.last());
            view.tally = tally;
        }
    }

    /// What all visits came to. `count` is where Redis stood at the start, if the count is kept there.
    fn tally(
        &self,
        redis: &mut Asker,
        probe: &Probe,
        start: Option<u64>,
        settled: Option<u64>,
    ) -> Tally {
        // Redis is asked while visits go on. Who has a number before is in its answer; who has come by then, with
        // whatever end, may be.
        let before = self.notes.ledger();
        let url = probe.redis_url();
        let answer = start.and_then(|_| redis.ask(&url, &["GET", "seen"]));
        // Who is under way is noted before it is not under way any more: nobody is missed.
        let in_flight = u64::from(self.notes.in_flight());
        let after: Ledger = self.notes.ledger();
        let acceptable = start.map(|start| {
            let low = start + before.answered;
            let high = start + after.answered + after.unknown() + in_flight;
            (low, high)
        });
        Tally {
            answered: after.answered,
            unknown: after.unknown(),
            duplicates: after.duplicates,
            gaps: settled.map_or(0, |settled| self.notes.gaps_up_to(settled)),
            count: answer.map(|answer| {
                let text = answer.as_text().unwrap_or_default();
                text.parse().unwrap_or(0)
            }),
            acceptable,
        }
    }

    fn happened(&self, event: Event) {
        let mut view = self.view();
        view.events.push_back(event);
        if view.events.len() > EVENTS_KEPT {
            view.events.pop_front();
        }
    }

    fn trouble(&self, what: &str, error: &anyhow::Error) {
        // Of a log that follows the error, the first line says what it is about.
        let said = one_line(error);
        let why = said.lines().map(str::trim).filter(|line| !line.is_empty());
        let why = why.take(2).collect::<Vec<_>>().join(" ");
        // Of attempts that fail one after the other, the first one is told.
        let last = self.view().events.back().map(|last| last.what.clone());
        if last.is_some_and(|last| last.starts_with(what)) {
            return;
        }
        self.happened(Event {
            at: self.elapsed(),
            lane: Lane::Service,
            what: format!("{what}: {why}"),
            is_well: Some(false),
            is_loss: false,
        });
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn view(&self) -> MutexGuard<'_, View> {
        lock(&self.view)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
