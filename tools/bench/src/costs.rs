//! What a visit costs in time of a core, in the way in which the model of the service (`tools/model`) wants to
//! know it.

use model::{figures::Measured, world::Costs};

use crate::{
    results::{Load, Results},
    summary::{Group, Row},
};

/// The costs that a run measured at the most connections; none if a step of it did not take part.
pub fn costs(results: &Results, groups: &[Group]) -> Option<Measured> {
    let groups = groups.iter().filter(|group| group.load == Load::Capacity);
    let group = groups.max_by_key(|group| group.connections)?;
    let row = |step| group.rows.iter().find(|row| row.name.starts_with(step));
    Some(Measured {
        cores: results.machine.cores,
        pipe: of(row("step-2-")?, 1.0)?,
        // The question whether Redis is there is a packet of its own.
        pool: of(row("step-4-")?, 0.5)?,
        batch: of(
            row("step-5-")?,
            median(row("step-5-")?, "visits-per-command")?,
        )?,
    })
}

/// What a visit costs in a row, where Redis gets a packet for so many of them.
fn of(row: &Row, visits_a_packet: f64) -> Option<Costs> {
    let nanoseconds = |metric| Some(median(row, metric)? * 1000.0);
    Some(Costs {
        load: nanoseconds("load-us")? as u64,
        server: nanoseconds("server-us")? as u64,
        redis_packet: (nanoseconds("redis-us")? * visits_a_packet) as u64,
    })
}

fn median(row: &Row, metric: &str) -> Option<f64> {
    Some(row.estimates.get(metric)?.median)
}
