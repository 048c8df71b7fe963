//! Checks that stop a copy of the service, or start a second one.

use load::ledger;

use crate::{
    finding::{Checked, Finding, broken},
    testbed::Testbed,
};

/// Visitors at once on each of two copies, and how often each comes.
const CLIENTS: usize = 8;
const VISITS_EACH: usize = 50;

/// The lack is exactly that the count is 1 again.
pub fn survives_restart(testbed: &Testbed) -> Checked {
    let (redis, service) = testbed.own(&[])?;
    service.visit()?;
    let before = service.visit()?;
    service.stop()?;
    let after = testbed.start(&redis.url(), &[])?.visit()?;
    let seen = format!(
        "the last visit before the restart had number {before}, the first after it {after}"
    );
    match after {
        _ if after == before + 1 => Ok(Finding::has()),
        1 => Ok(Finding::lacks(seen)),
        _ => broken(seen),
    }
}

/// The lack is exactly that each copy counts from 1 on by itself.
pub fn shared(testbed: &Testbed) -> Checked {
    let (redis, one) = testbed.own(&[])?;
    let copies = [one, testbed.start(&redis.url(), &[])?];
    let numbers = load::in_parallel(copies.len(), |copy| {
        let numbers = load::visits(copies[copy].addr, CLIENTS, VISITS_EACH);
        let numbers = numbers.and_then(|numbers| numbers.ok_or("a visit was refused".into()));
        copies[copy].logged(numbers, "of two copies, one")
    });
    let numbers: Vec<Vec<u64>> = numbers.into_iter().collect::<Result<_, _>>()?;
    let Some(flaw) = ledger::flaw(&numbers.concat(), 1) else {
        return Ok(Finding::has());
    };
    let flaw = format!("two copies together, {flaw}");
    if numbers.iter().all(|own| ledger::flaw(own, 1).is_none()) {
        Ok(Finding::lacks(flaw))
    } else {
        broken(flaw)
    }
}
