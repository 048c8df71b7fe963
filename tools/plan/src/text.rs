//! What a plan says.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use bench::{Estimate, units};

use crate::{
    Demand, Inputs, Plan, Point,
    inputs::{MAX_CONNECTIONS, NETWORK},
    plan::KILOMETRES_PER_MS,
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
            shown(self.busy_cores(), units::short),
            shown(self.point.server_us, units::short)
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
            shown(
                size.map(|bytes| bytes * times * BITS / MEGABIT),
                units::short,
            )
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
            "  {} to Redis, {} from it",
            rate(network.command, commands),
            rate(network.reply, commands)
        )
    }

    fn redis(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (keys, masters) = (self.keys(), self.masters());
        let commands = shown(self.commands().map(significant), large);
        let commands = match self.has_batches() {
            true => {
                let each = shown(self.point.visits_per_command, units::short);
                format!("{commands} commands/s, each for {each} visits")
            }
            false => format!("at most {commands} commands/s, as few visits wait together"),
        };
        let share = shown(self.redis_share().map(|share| share * 100.0), units::short);
        writeln!(f, "\nRedis")?;
        writeln!(f, "  {commands}")?;
        writeln!(
            f,
            "  {share} % of the one thread that runs the commands of a node"
        )?;
        writeln!(
            f,
            "  {} nodes: {masters} masters, and a replica for each; {keys} of them {}",
            2 * masters,
            if keys == 1 { "counts" } else { "count" }
        )?;
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
            shown(self.way_ms(), units::short),
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
                units::short(point.visits_per_command.median),
                large(f64::from(*connections))
            )?;
        }
        let (keys, times) = (self.keys(), self.point.visits_max().median / visits);
        match keys {
            1 => writeln!(
                f,
                "  the larger is {} times as many as are asked for; cores, replicas and network can be added",
                units::short(times)
            )?,
            _ => writeln!(
                f,
                "  so {} visits/s take {keys} keys, each on a node that is used to {}",
                large(visits),
                percent(utilisation)
            )?,
        }
        writeln!(
            f,
            "\nto count in {} places instead",
            self.keys_in_several_places()
        )?;
        writeln!(
            f,
            "  gives up the number: two visitors may be told the same one"
        )?;
        writeln!(
            f,
            "  gives up the exact sum: while one is asked for, which may take {}, {} more are counted",
            time(p99),
            large(significant(self.counted_meanwhile()))
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

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The number with no more digits than mean something.
fn significant(value: f64) -> f64 {
    if value == 0.0 {
        return value;
    }
    let unit = 10_f64.powi((value.abs().log10().floor() as i32 + 1 - DIGITS).max(0));
    (value / unit).round() * unit
}

fn time(time: Duration) -> String {
    format!("{} ms", time.as_micros() as f64 / 1000.0)
}
