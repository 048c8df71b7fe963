//! Checks that stop a copy of the service, or start a second one.

use crate::{Finding, Stop, bench::Bench, crowd};

/// Visitors at once on two copies, and how often each comes.
const CLIENTS: usize = 16;
const VISITS_EACH: usize = 50;

pub fn survives_restart(bench: &Bench) -> Result<Finding, Stop> {
    let redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    service.visit()?;
    let before = service.visit()?;
    service.stop()?;
    let after = bench.start(&redis.url(), &[])?.visit()?;
    Ok(if after == before + 1 {
        Finding::Has
    } else {
        Finding::Lacks(format!(
            "the last visit before the restart had number {before}, the first after it {after}"
        ))
    })
}

pub fn shared(bench: &Bench) -> Result<Finding, Stop> {
    let redis = bench.redis()?;
    let one = bench.start(&redis.url(), &[])?;
    let other = bench.start(&redis.url(), &[])?;
    let numbers = crowd::visits(&[one.addr, other.addr], CLIENTS, VISITS_EACH);
    let numbers =
        numbers.map_err(|error| Stop::Broken(format!("{error}{}{}", one.log(), other.log())))?;
    Ok(match crowd::flaw(&numbers, 1) {
        None => Finding::Has,
        Some(flaw) => Finding::Lacks(format!("two copies together, {flaw}")),
    })
}
