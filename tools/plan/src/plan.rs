//! What a load takes, by what was measured.

use std::time::Duration;

use anyhow::{Context, Result};
use bench::Estimate;
use clap::{Args, value_parser};

use crate::{Inputs, Point, arguments, text};

/// Microseconds in a second.
const MICROSECONDS: f64 = 1e6;

/// The fewest masters of a Redis Cluster: a majority of them decides who has failed.
const MASTERS_MIN: u64 = 3;

/// The most nodes that a Redis Cluster is made for, by
/// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#redis-cluster-goals>.
pub(crate) const NODES_MAX: u64 = 1000;

/// How far light gets in a millisecond in glass, whose refractive index is about 1.5, in kilometres.
pub(crate) const KILOMETRES_PER_MS: f64 = 200.0;

/// What is asked for.
#[derive(Args, Clone, Copy, Debug)]
pub struct Demand {
    /// How many visits there are
    #[arg(long, value_name = "RATE", value_parser = arguments::visits, allow_negative_numbers = true)]
    pub visits: f64,
    /// Within which time 99 % of them are to be answered
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    pub p99: Duration,
    /// In how many regions the service runs; with several, one of them may be lost
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..=100), allow_negative_numbers = true)]
    pub regions: u32,
    /// How much of a core is used at most; what is above that is kept for peaks
    #[arg(long, value_name = "SHARE", default_value = "60%", value_parser = arguments::share)]
    pub utilisation: f64,
}

/// What a load takes.
#[derive(Debug)]
pub struct Plan {
    /// What was asked for.
    pub demand: Demand,
    /// What it is made from.
    pub inputs: Inputs,
    /// The measurement that is planned with: the one with the most connections that is fast enough.
    pub point: Point,
}

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    ///
    /// When nothing that was measured is as fast as is asked for.
    pub fn new(inputs: Inputs, demand: Demand) -> Result<Self> {
        let p99_us = demand.p99.as_secs_f64() * MICROSECONDS;
        let is_fast = |point: &&Point| point.p99_us.ends()[1] <= p99_us;
        let point = inputs.points.iter().rfind(is_fast).cloned();
        let point = point.with_context(|| text::too_slow(&inputs, &demand))?;
        Ok(Self {
            demand,
            inputs,
            point,
        })
    }

    /// How many cores the service keeps busy.
    pub fn busy_cores(&self) -> Estimate {
        let visits = self.demand.visits;
        self.point.server_us.map(|us| visits * us / MICROSECONDS)
    }

    /// How many replicas a region has, each on a machine as it was measured. The others carry all visits
    /// when a region is lost; where there is only one, it has a replica more than it needs.
    pub fn replicas_in_a_region(&self) -> Estimate {
        let Demand {
            regions,
            utilisation,
            ..
        } = self.demand;
        let cores = utilisation * self.inputs.cores as f64;
        self.busy_cores().map(|busy| match regions {
            1 => (busy / cores).ceil() + 1.0,
            _ => (busy / cores / f64::from(regions - 1)).ceil(),
        })
    }

    /// How many replicas there are in all.
    pub fn replicas(&self) -> Estimate {
        let regions = f64::from(self.demand.regions);
        self.replicas_in_a_region()
            .map(|replicas| replicas * regions)
    }

    /// The memory of a replica that has as many connections as it may, in bytes.
    pub fn memory(&self) -> Estimate {
        let connections = f64::from(self.point.connections);
        let all = self.inputs.connections_max as f64;
        match self.point.memory_per_connection {
            Some(each) => {
                let more = (all - connections).max(0.0);
                let at = |end: fn(&Estimate) -> f64| end(&self.point.memory) + more * end(&each);
                Estimate {
                    median: at(|value| value.median),
                    interval: Some([at(|value| value.ends()[0]), at(|value| value.ends()[1])]),
                }
            }
            // As if the whole process were made of connections, which is too much.
            None => self.point.memory.map(|bytes| bytes / connections * all),
        }
    }

    /// Whether there is as much to do as for one machine that was measured. Where there is less, fewer visits
    /// wait together, and nobody has measured how few.
    pub fn has_batches(&self) -> bool {
        self.demand.visits >= self.point.requests.median
    }

    /// Commands that the node with the key is sent in a second; without batches, the most there can be.
    pub fn commands(&self) -> Estimate {
        let visits = self.demand.visits;
        self.point
            .visits_per_command
            .map(|each| match self.has_batches() {
                true => visits / each,
                false => visits,
            })
    }

    /// How much of the one thread that runs commands they take: 1 is all of it; without batches, the most
    /// there can be.
    pub fn redis_share(&self) -> Estimate {
        let visits = self.demand.visits;
        match self.inputs.points.first() {
            // A command of its own for each visit, which takes as long as one that the fewest visits share.
            Some(point) if !self.has_batches() => point
                .command_us()
                .map(|us| (visits * us / MICROSECONDS).min(1.0)),
            _ => self.share_with_batches(),
        }
    }

    /// The same, where as many visits share a command as in the measurement.
    fn share_with_batches(&self) -> Estimate {
        let visits = self.demand.visits;
        self.point.redis_us.map(|us| visits * us / MICROSECONDS)
    }

    /// How many keys it takes: as many as have a node that is used no more than is asked for. A node that
    /// is busier than that has visits waiting, and those share commands.
    pub fn keys(&self) -> u64 {
        (self.share_with_batches().ends()[1] / self.demand.utilisation)
            .ceil()
            .max(1.0) as u64
    }

    /// Into how many keys the count is divided, if it is counted in several places: each region has one at
    /// least.
    pub fn keys_in_several_places(&self) -> u64 {
        self.keys().max(u64::from(self.demand.regions)).max(2)
    }

    /// How many masters the cluster has. Each has a replica.
    pub fn masters(&self) -> u64 {
        match (self.keys().max(MASTERS_MIN), self.demand.regions) {
            // Two of four would share a region, and without them two are left, which are not most of four.
            (4, 3) => 5,
            (masters, _) => masters,
        }
    }

    /// What is left of the time for the way from another region to that of the key and back, in milliseconds.
    pub fn way_ms(&self) -> Estimate {
        let p99_ms = self.demand.p99.as_secs_f64() * 1000.0;
        self.point.p99_us.map(|us| p99_ms - us / 1000.0)
    }

    /// How far away a region may be, in kilometres of glass.
    pub fn kilometres(&self) -> Estimate {
        self.way_ms()
            .map(|there_and_back| there_and_back / 2.0 * KILOMETRES_PER_MS)
    }

    /// How many visits are counted while an answer is under way.
    pub fn counted_meanwhile(&self) -> f64 {
        self.demand.visits * self.demand.p99.as_secs_f64()
    }
}

impl Point {
    /// Processor time of Redis for a command, in microseconds.
    pub fn command_us(&self) -> Estimate {
        let [low, high] = [0, 1].map(|end| {
            let of = |figure: &Estimate| figure.ends()[end];
            of(&self.redis_us) * of(&self.visits_per_command)
        });
        Estimate {
            median: self.redis_us.median * self.visits_per_command.median,
            interval: Some([low, high]),
        }
    }

    /// How many visits a second one key on one node can take, if its thread is never idle.
    pub fn visits_max(&self) -> Estimate {
        self.redis_us.map(|us| MICROSECONDS / us)
    }
}
