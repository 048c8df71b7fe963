//! What a plan says.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use bench::{Estimate, units};

use crate::{
    Demand, Inputs, Plan, Point,
    inputs::{MAX_CONNECTIONS, NETWORK},
    plan::{KILOMETRES_PER_MS, NODES_MAX},
};

/// Bits of a byte, and how many make a megabit.
const BITS: f64 = 8.0;
const MEGABIT: f64 = 1e6;

/// How many digits of a large number mean something.
const DIGITS: i32 = 3;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.service(f)?;
        self.network(f)?;
        self.redis(f)?;
        self.regions(f)?;
        self.limit(f)?;
        self.sources(f)
    }
}

impl Plan {
    fn service(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Demand {
            visits,
            p99,
            regions,
            utilisation,
        } = self.demand;
        let each = match regions {
            1 => ", one of which may be away".to_owned(),
            _ => format!(
                ": {} in each region",
                shown(self.replicas_in_a_region(), large)
            ),
        };
        let most = match self.point.memory_per_connection {
            Some(_) => "",
            None => "at most ",
        };
        let regions = match regions {
            1 => "1 region".to_owned(),
            2 => "2 regions, of which the one with fewer masters may be lost".to_owned(),
            _ => format!("{regions} regions, one of which may be lost"),
        };
        writeln!(
            f,
            "{} visits/s, 99 % answered within {}, {regions}",
            large(visits),
            time(p99)
        )?;
        writeln!(f, "\nservice")?;
        writeln!(
            f,
            "  {} cores busy; a visit takes {} µs",
            shown(self.busy_cores(), short),
            shown(self.point.server_us, short)
        )?;
        writeln!(
            f,
            "  {} replicas of {} cores used to {}{each}",
            shown(self.replicas(), large),
            self.inputs.cores,
            percent(utilisation)
        )?;
        writeln!(
            f,
            "  {most}{} MiB of memory each, at {} connections",
            shown(self.memory(), units::mebibytes),
            large(self.inputs.connections_max as f64)
        )
    }

    fn network(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let network = self.inputs.network;
        let rate = |size: Estimate, times: f64| {
            let rate = size.map(|bytes| bytes * times * BITS / MEGABIT);
            shown(rate, short)
        };
        let (visits, commands) = (self.demand.visits, self.commands().median);
        writeln!(f, "\nnetwork, in Mbit/s")?;
        writeln!(
            f,
            "  {} from the clients, {} to them",
            rate(network.request, visits),
            rate(network.answer, visits)
        )?;
        writeln!(
            f,
            "  {}{} to Redis, {} from it",
            self.most(),
            rate(network.command, commands),
            rate(network.reply, commands)
        )
    }

    /// What stands before a figure that is the most there can be where visits do not share commands.
    fn most(&self) -> &'static str {
        match self.has_batches() {
            true => "",
            false => "at most ",
        }
    }

    fn redis(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (keys, masters) = (self.keys(), self.masters());
        let commands = shown(self.commands().map(significant), large);
        let each = match self.has_batches() {
            true => {
                let each = shown(self.point.visits_per_command, short);
                let connections = large(f64::from(self.point.connections));
                format!("if {each} visits share one, as at {connections} connections")
            }
            false => "one for each visit".to_owned(),
        };
        let most = self.most();
        let share = shown(self.redis_share().map(|share| share * 100.0), short);
        writeln!(f, "\nRedis")?;
        writeln!(f, "  {most}{commands} commands/s, {each}")?;
        writeln!(
            f,
            "  {most}{share} % of the one thread that runs the commands of a node"
        )?;
        writeln!(
            f,
            "  {} nodes: {} masters, and a replica for each; {} of them {}",
            large((2 * masters) as f64),
            large(masters as f64),
            large(keys as f64),
            if keys == 1 { "counts" } else { "count" }
        )?;
        if 2 * masters > NODES_MAX {
            let most = large(NODES_MAX as f64);
            writeln!(
                f,
                "  more than the {most} that a Redis Cluster is made for: several clusters"
            )?;
        }
        match self.demand.regions {
            1 => Ok(()),
            2 => writeln!(
                f,
                "  one of 2 regions has most of the masters: without it nobody is counted"
            ),
            _ => writeln!(
                f,
                "  a master and its replica in different regions: most masters outlive the loss of one"
            ),
        }
    }

    fn regions(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let p99 = shown(self.point.p99_us, units::milliseconds);
        writeln!(f, "\np99, in ms")?;
        writeln!(
            f,
            "  {p99} with {} connections that are never idle",
            large(f64::from(self.point.connections))
        )?;
        if self.demand.regions == 1 {
            return Ok(());
        }
        writeln!(
            f,
            "  {} are left for the way from another region and back: {} km of glass",
            shown(self.way_ms(), short),
            shown(self.kilometres().map(significant), large)
        )
    }

    fn limit(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Demand {
            visits,
            utilisation,
            p99,
            ..
        } = self.demand;
        writeln!(f, "\nthe limit that binds: one key on one node")?;
        for point in &self.inputs.points {
            let Point { connections, .. } = point;
            writeln!(
                f,
                "  it ends at {} visits/s, if {} share a command, as at {} connections",
                shown(point.visits_max().map(significant), large),
                short(point.visits_per_command.median),
                large(f64::from(*connections))
            )?;
        }
        let (keys, times) = (self.keys(), self.point.visits_max().median / visits);
        let connections = large(f64::from(self.point.connections));
        match keys {
            1 => writeln!(
                f,
                "  as at {connections} connections: {} times as many as are asked for; cores, replicas and network can \
                 be added",
                short(times)
            )?,
            _ => writeln!(
                f,
                "  as at {connections} connections: {} visits/s take {} keys, each on a node that is used to {}",
                large(visits),
                large(keys as f64),
                percent(utilisation)
            )?,
        }
        writeln!(
            f,
            "\nto count in {} places instead",
            large(self.keys_in_several_places() as f64)
        )?;
        writeln!(
            f,
            "  gives up the number: two visitors may be told the same one"
        )?;
        writeln!(
            f,
            "  gives up the exact sum: while one is asked for, which may take {}, {} more are counted",
            time(p99),
            short(self.counted_meanwhile())
        )
    }

    fn sources(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Inputs { run, step, .. } = &self.inputs;
        let points = self.inputs.points.iter();
        let points = points.map(|point| large(f64::from(point.connections)));
        let points: Vec<String> = points.collect();
        writeln!(f, "\nfrom")?;
        writeln!(
            f,
            "  {run}\n    {step} at {} connections: processor time, visits a command, p99, memory",
            points.join(" and ")
        )?;
        writeln!(f, "  {NETWORK}\n    bytes with their packets' headers")?;
        writeln!(f, "  {}\n    {MAX_CONNECTIONS}", self.inputs.settings)?;
        writeln!(f, "not measured")?;
        let utilisation = percent(self.demand.utilisation);
        writeln!(f, "  {utilisation} of a core: --utilisation")?;
        writeln!(f, "  {KILOMETRES_PER_MS} km in a ms: light in glass")?;
        writeln!(
            f,
            "  proxies, disks, and more cores than {}",
            self.inputs.cores
        )
    }
}

/// Why there is no plan.
pub(crate) fn too_slow(inputs: &Inputs, demand: &Demand) -> String {
    let Some(point) = inputs.points.first() else {
        return "nothing was measured".to_owned();
    };
    format!(
        "--p99 {} is faster than anything that was measured: {} took {} ms with {} connections ({})",
        time(demand.p99),
        inputs.step,
        shown(point.p99_us, units::milliseconds),
        large(f64::from(point.connections)),
        inputs.run
    )
}

/// A figure with its interval, if that says more.
fn shown(estimate: Estimate, show: fn(f64) -> String) -> String {
    let median = show(estimate.median);
    let [low, high] = estimate.ends().map(show);
    match low == high {
        true => median,
        false => format!("{median} [{low}–{high}]"),
    }
}

fn large(value: f64) -> String {
    units::count(value)
}

/// Three digits, and not 0.00 where there is something.
fn short(value: f64) -> String {
    match value > 0.0 && value < 0.005 {
        true => "<0.01".to_owned(),
        false => units::short(significant(value)),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The number with no more digits than mean something.
fn significant(value: f64) -> f64 {
    let digits = value.abs().max(1.0).log10().floor() as i32 + 1;
    if digits <= DIGITS {
        return value;
    }
    let unit = 10_f64.powi(digits - DIGITS);
    (value / unit).round() * unit
}

fn time(time: Duration) -> String {
    format!("{} ms", time.as_micros() as f64 / 1000.0)
}
