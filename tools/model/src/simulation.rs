//! One event after the other, in the order of their times.
//!
//! Three programs share the cores: the load generator, the service and Redis. Each has threads, and one line
//! of jobs for them. A thread keeps its core until there is nothing to do for it, or until its slice of time
//! is over and others wait; then those have their turn, in the order in which they became ready.

mod counting;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use crate::{
    history::{History, Visit},
    world::{Counting, Nanos, Random, Visitors, World},
};

/// Lets happen what happens in a world.
pub fn simulate(world: &World) -> History {
    let mut simulation = Simulation::new(world);
    simulation.invite();
    while let Some(Reverse((at, _, event))) = simulation.agenda.pop() {
        simulation.now = at;
        simulation.happen(event);
        simulation.dispatch();
    }
    simulation.history
}

/// What happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A visitor comes, or a connection of a closed loop begins.
    Due,
    /// The job on this core is done.
    Worked(usize),
    /// A packet has come to Redis.
    Arrived(usize),
    /// The reply to a packet has come to the service.
    Replied(usize),
    /// The service no longer waits for the reply to a packet.
    TimedOut(usize),
    /// A batch has waited for long enough.
    Close,
    /// Redis goes on.
    Thaw,
}

/// A program that works on the cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Load,
    Service,
    Redis,
}

/// Something to do for a program.
#[derive(Clone, Copy, Debug)]
enum Job {
    /// The load generator reads an answer and sends the next request over a connection.
    Ask(usize),
    /// The service reads a request.
    Take(usize),
    /// Redis does what a packet says.
    Execute(usize),
    /// The service reads the reply to a packet.
    Hear(usize),
    /// The service writes an answer.
    Answer(usize),
}

/// A thread at work.
#[derive(Clone, Copy, Debug)]
struct Work {
    program: Program,
    job: Job,
    slice_ends: Nanos,
}

struct Simulation<'a> {
    world: &'a World,
    now: Nanos,
    /// What will happen: when, in which order what happens at the same moment was planned, and what.
    agenda: BinaryHeap<Reverse<(Nanos, u64, Event)>>,
    planned: u64,
    cores: Vec<Option<Work>>,
    /// Programs with a thread that wants a core.
    ready: VecDeque<Program>,
    /// The jobs of each program, and how many of its threads have none.
    jobs: [VecDeque<Job>; 3],
    idle: [usize; 3],
    /// Visits that wait for the connection, or for one of the pool.
    waiting: VecDeque<usize>,
    /// Connections that nobody uses. A batch has the only one, and so does a pipe, which shares it.
    free: Vec<usize>,
    /// Whether a batch waits for more.
    gathers: bool,
    /// How many connections of a closed loop have begun.
    begun: usize,
    count: u64,
    has_lost: bool,
    has_taken_over: bool,
    history: History,
}

impl<'a> Simulation<'a> {
    fn new(world: &'a World) -> Self {
        let connections = match world.counting {
            Counting::Pool { connections, .. } => connections,
            Counting::Pipe | Counting::Batch { .. } => 1,
        };
        Self {
            world,
            now: 0,
            agenda: BinaryHeap::new(),
            planned: 0,
            cores: vec![None; world.machine.cores],
            ready: VecDeque::new(),
            jobs: Default::default(),
            idle: [world.machine.load_threads, world.machine.cores, 1],
            waiting: VecDeque::new(),
            free: (0..connections).rev().collect(),
            gathers: false,
            begun: 0,
            count: 0,
            has_lost: false,
            has_taken_over: false,
            history: History::default(),
        }
    }

    /// Plans who comes when.
    fn invite(&mut self) {
        let World {
            lasts, visitors, ..
        } = *self.world;
        let mut random = Random::new(self.world.seed);
        let expected = |per_second: f64| (per_second * lasts as f64 / 1e9).round() as u64;
        match visitors {
            Visitors::Random { per_second } => {
                (0..expected(per_second)).for_each(|_| self.plan(random.below(lasts), Event::Due));
            }
            Visitors::Planned { per_second } => {
                let count = expected(per_second);
                (0..count).for_each(|visit| self.plan(lasts * visit / count, Event::Due));
            }
            Visitors::Together { visits } => (0..visits).for_each(|_| self.plan(0, Event::Due)),
            // Spread over the first round trip: connections that are answered together stay together.
            Visitors::Closed { connections } => {
                let (first, count) = (self.world.round_trip, connections as u64);
                (0..count).for_each(|number| self.plan(first * number / count, Event::Due));
            }
        }
        if let Some(moment) = self.world.faults.drop_in {
            self.plan(moment, Event::Due);
        }
        if let Some((_, end)) = self.world.faults.freeze {
            self.plan(end, Event::Thaw);
        }
    }

    fn plan(&mut self, at: Nanos, event: Event) {
        self.planned += 1;
        self.agenda.push(Reverse((at, self.planned, event)));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Due => match self.world.visitors {
                Visitors::Closed { .. } => {
                    self.begun += 1;
                    self.ask(self.begun - 1);
                }
                _ => self.come(0),
            },
            Event::Worked(core) => self.worked(core),
            Event::Arrived(packet) => self.give(Program::Redis, Job::Execute(packet)),
            // Before the requests that wait: whom a reply wakes, tokio runs next.
            Event::Replied(packet) => {
                self.jobs[Program::Service as usize].push_front(Job::Hear(packet));
                self.wake(Program::Service);
            }
            Event::TimedOut(packet) => self.finish(packet),
            Event::Close => {
                self.gathers = false;
                self.send_batch();
            }
            Event::Thaw => self.wake(Program::Redis),
        }
    }

    /// A program has something more to do.
    fn give(&mut self, program: Program, job: Job) {
        self.jobs[program as usize].push_back(job);
        self.wake(program);
    }

    /// A thread that has nothing to do wants a core.
    fn wake(&mut self, program: Program) {
        let idle = &mut self.idle[program as usize];
        if *idle > 0 {
            *idle -= 1;
            self.ready.push_back(program);
        }
    }

    /// Gives the cores that are free to the threads that wait.
    fn dispatch(&mut self) {
        while let Some(core) = self.cores.iter().position(Option::is_none) {
            let Some(program) = self.ready.pop_front() else {
                return;
            };
            self.work(core, program, self.now + self.world.machine.slice);
        }
    }

    /// A thread goes on with its program's next job.
    fn work(&mut self, core: usize, program: Program, slice_ends: Nanos) {
        let job = match self.is_frozen(program) {
            true => None,
            false => self.jobs[program as usize].pop_front(),
        };
        self.cores[core] = job.map(|job| Work {
            program,
            job,
            slice_ends,
        });
        match job {
            Some(job) => self.plan(self.now + self.cost(job), Event::Worked(core)),
            None => self.idle[program as usize] += 1,
        }
    }

    fn is_frozen(&self, program: Program) -> bool {
        let freeze = self.world.faults.freeze;
        let is_now = freeze.is_some_and(|(start, end)| (start..end).contains(&self.now));
        program == Program::Redis && is_now
    }

    fn cost(&self, job: Job) -> Nanos {
        let costs = &self.world.costs;
        // What a visit costs the service, in equal parts: each time that it has to do with it.
        let times = match self.world.counting {
            Counting::Pool {
                asks_first: true, ..
            } => 3,
            _ => 2,
        };
        match job {
            Job::Ask(_) => costs.load,
            Job::Take(_) | Job::Answer(_) => costs.server / times,
            Job::Hear(packet) => match self.history.packets[packet].asks_for {
                Some(_) => costs.server / times,
                None => 0,
            },
            Job::Execute(_) => costs.redis_packet,
        }
    }

    /// What a thread has worked on is done, and so it goes on, or others have their turn.
    fn worked(&mut self, core: usize) {
        let Some(Work {
            program,
            job,
            slice_ends,
        }) = self.cores[core].take()
        else {
            return;
        };
        match job {
            Job::Ask(connection) => self.come_in_time(connection),
            Job::Take(visit) => self.count(visit),
            Job::Execute(packet) => self.execute(packet),
            Job::Hear(packet) => {
                self.history.packets[packet].replied = Some(self.now);
                match self.history.packets[packet].asks_for {
                    Some(visit) => {
                        let connection = self.history.packets[packet].connection;
                        self.send(vec![visit], None, connection);
                    }
                    None => self.finish(packet),
                }
            }
            Job::Answer(visit) => self.answer(visit),
        }
        if self.now < slice_ends || self.ready.is_empty() {
            self.work(core, program, slice_ends.max(self.now));
        } else {
            self.ready.push_back(program);
        }
    }

    fn come(&mut self, connection: usize) {
        let visit = self.history.visits.len();
        self.history.visits.push(Visit {
            came: self.now,
            connection,
            ..Visit::default()
        });
        self.give(Program::Service, Job::Take(visit));
    }

    fn answer(&mut self, visit: usize) {
        let visit = &mut self.history.visits[visit];
        visit.answered = Some(self.now);
        let connection = visit.connection;
        if matches!(self.world.visitors, Visitors::Closed { .. }) {
            self.ask(connection);
        }
    }

    /// A connection of a closed loop asks again. A load generator elsewhere needs no core of ours for it.
    fn ask(&mut self, connection: usize) {
        match self.world.machine.load_threads {
            0 => self.come_in_time(connection),
            _ => self.give(Program::Load, Job::Ask(connection)),
        }
    }

    fn come_in_time(&mut self, connection: usize) {
        if self.now < self.world.lasts {
            self.come(connection);
        }
    }
}
