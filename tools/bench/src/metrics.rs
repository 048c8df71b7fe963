//! The figures that a measurement has: what each is called, where it comes from, how it is written.

use crate::results::{Figures, Load, Round};
use crate::units::{count, mebibytes, milliseconds, short};

/// How many responses must lie beyond a percentile before it is more than an anecdote.
const BEYOND_MIN: f64 = 10.0;

/// One kind of figure.
#[derive(Debug)]
pub struct Metric {
    /// Its name, as the book asks for it.
    pub name: &'static str,
    /// The heading of its column.
    pub heading: &'static str,
    /// How it is written.
    pub show: fn(f64) -> String,
}

/// All kinds of figures.
pub const METRICS: [Metric; 14] = [
    metric("requests", "requests/s", count),
    metric("p50", "p50 ms", milliseconds),
    metric("p90", "p90 ms", milliseconds),
    metric("p99", "p99 ms", milliseconds),
    metric("max", "max ms", milliseconds),
    metric("server-us", "server µs", short),
    metric("redis-us", "Redis µs", short),
    metric("load-us", "load µs", short),
    metric("cpu-us", "server + Redis µs", short),
    metric("memory", "MiB", mebibytes),
    metric("memory-per-connection", "KiB/connection", short),
    metric("commands", "commands/visit", short),
    metric("visits-per-command", "visits/command", short),
    metric("queue-overflows", "backlog full", count),
];

const fn metric(name: &'static str, heading: &'static str, show: fn(f64) -> String) -> Metric {
    Metric {
        name,
        heading,
        show,
    }
}

impl Metric {
    /// The metric of that name.
    pub fn named(name: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// What a table with this kind of load is about: the ratio of this figure decides.
    pub(crate) fn main(load: Load) -> &'static Metric {
        match load {
            Load::Capacity => &METRICS[0],
            // At a fixed rate every contestant gives as many answers as were asked for.
            Load::FixedRate(_) => &METRICS[3],
        }
    }

    /// The figure of a measurement. `None` where it was not or could not be measured.
    pub(crate) fn of(&self, round: &Round, figures: &Figures) -> Option<f64> {
        let (report, memory) = (&figures.report, figures.memory_bytes);
        let latency = &report.latency_us;
        let percentile = |percent: f64, value: f64| {
            let beyond = report.responses as f64 * (100.0 - percent) / 100.0;
            (beyond >= BEYOND_MIN).then_some(value)
        };
        Some(match self.name {
            "requests" => report.per_second(),
            "p50" => percentile(50.0, latency.p50)?,
            "p90" => percentile(90.0, latency.p90)?,
            "p99" => percentile(99.0, latency.p99)?,
            "max" => latency.max,
            "server-us" => figures.cpu?.server_us,
            "redis-us" => figures.cpu?.redis_us,
            "load-us" => figures.cpu?.load_us,
            "cpu-us" => figures.cpu?.server_us + figures.cpu?.redis_us,
            "memory" => memory? as f64,
            "memory-per-connection" => {
                let grown = memory?.checked_sub(figures.idle_memory_bytes?)?;
                grown as f64 / 1024.0 / f64::from(round.connections)
            }
            "commands" => figures.redis_commands?,
            "visits-per-command" => 1.0 / figures.redis_commands.filter(|number| *number > 0.0)?,
            "queue-overflows" => figures.queue_overflows? as f64,
            _ => return None,
        })
    }
}
