//! What a load cost, beside the answers: processor time of all processes that matter, and connections that
//! found a listen backlog full.

use std::collections::HashMap;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::procfs;
use crate::results::Cpu;

/// What the system has counted so far, each `None` where it does not tell.
pub(crate) struct Meters {
    at: Instant,
    groups: Option<HashMap<u32, Duration>>,
    load: Option<Duration>,
    machine: Option<Duration>,
    queue_overflows: Option<u64>,
}

/// What it has counted between two readings: processor time in seconds.
pub(crate) struct Used {
    server: Option<f64>,
    redis: Option<f64>,
    load: Option<f64>,
    machine: Option<f64>,
    idle: f64,
    /// What all cores together had.
    available: f64,
    /// How often a connection found a listen backlog full.
    pub queue_overflows: Option<u64>,
}

impl Meters {
    /// Reads all meters, those of load generators only when these have ended.
    pub(crate) fn read() -> Meters {
        Meters {
            at: Instant::now(),
            groups: procfs::group_cpu(),
            load: procfs::ended_children_cpu(),
            machine: procfs::machine_cpu(),
            queue_overflows: procfs::queue_overflows(),
        }
    }

    /// What was counted since `before`: by the process groups of a server and its Redis, where they are
    /// ours, and by those of contestants that should be idle.
    pub(crate) fn since(
        &self,
        before: &Meters,
        [server, redis]: [Option<u32>; 2],
        idle: &[u32],
    ) -> Used {
        let difference =
            |now: Option<Duration>, before| Some(now?.checked_sub(before?)?.as_secs_f64());
        let group = |group: u32| {
            let read = |meters: &Meters| meters.groups.as_ref()?.get(&group).copied();
            difference(read(self), read(before))
        };
        let cores = available_parallelism().map_or(1, usize::from);
        Used {
            server: server.and_then(group),
            redis: redis.and_then(group),
            load: difference(self.load, before.load),
            machine: difference(self.machine, before.machine),
            // One that ended meanwhile says so when it is its turn.
            idle: idle.iter().filter_map(|idle| group(*idle)).sum(),
            available: self.at.duration_since(before.at).as_secs_f64() * cores as f64,
            queue_overflows: (|| self.queue_overflows?.checked_sub(before.queue_overflows?))(),
        }
    }
}

impl Used {
    /// Processor time for each of so many responses.
    pub(crate) fn cpu(&self, responses: u64) -> Option<Cpu> {
        let each_us = |seconds: f64| seconds * 1e6 / responses as f64;
        (responses > 0).then_some(Cpu {
            server_us: each_us(self.server?),
            redis_us: each_us(self.redis?),
            load_us: each_us(self.load?),
        })
    }

    /// The share of the machine that idle contestants used.
    pub(crate) fn idle_cpu(&self) -> Option<f64> {
        self.machine.map(|_| self.idle / self.available)
    }

    /// The share of the machine that programs outside of this run used, or a hypervisor. `None` when a
    /// server that we did not start is one of them.
    pub(crate) fn other_cpu(&self) -> Option<f64> {
        let ours = self.server? + self.redis? + self.load? + self.idle;
        Some(((self.machine? - ours) / self.available).clamp(0.0, 1.0))
    }
}
