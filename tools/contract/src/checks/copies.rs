//! Checks that stop a copy of the service, or start a second one.

use load::ledger;

use super::prelude::*;

/// Clients at once on each of two copies, and how often each visits.
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
        _ if after == before + 1 => Ok(()),
        1 => lacks(seen),
        _ => broken(seen),
    }
}

/// The lack is exactly that each copy counts from 1 on by itself.
pub fn shared(testbed: &Testbed) -> Checked {
    let (redis, one) = testbed.own(&[])?;
    let copies = [one, testbed.start(&redis.url(), &[])?];
    let visits = load::in_parallel(copies.len(), |copy| {
        copies[copy].visits(CLIENTS, VISITS_EACH)
    });
    let visits = visits.into_iter().collect::<Checked<Vec<_>>>()?;
    let (numbers, refused): (Vec<Vec<u64>>, Vec<usize>) = visits.into_iter().unzip();
    let Some(flaw) = ledger::flaw(&numbers.concat(), 1, refused.iter().sum()) else {
        return Ok(());
    };
    let flaw = format!("two copies together, {flaw}");
    let mut copies = numbers.iter().zip(refused);
    match copies.all(|(own, refused)| ledger::flaw(own, 1, refused).is_none()) {
        true => lacks(flaw),
        false => broken(flaw),
    }
}
