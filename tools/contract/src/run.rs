//! One service, all its capabilities, one after the other.

use steps::Source;

use crate::{
    capabilities::CAPABILITIES,
    expectations::is_expected,
    finding::{Cell, Finding, Report, Verdict, retry},
    subject::Subject,
    testbed::Testbed,
};

/// How often a capability is checked, from the start, where a busy machine can be the reason for what was
/// not expected. A service that does it is found out each time.
const ATTEMPTS: usize = 3;

/// Checks one service and says after each capability what was found. No `only` means all of them.
pub fn run(
    subject: &Subject,
    redis: &Source,
    only: &[String],
    mut progress: impl FnMut(&Cell),
) -> Report {
    let wanted = |id: &str| only.is_empty() || only.iter().any(|name| name == id);
    let testbed = Testbed::new(subject, redis);
    let mut cells = Vec::new();
    for capability in CAPABILITIES.iter().filter(|known| wanted(known.id)) {
        // What is expected is certain enough.
        let check = || {
            (capability.check)(&testbed).map_err(|end| Finding {
                unless_busy: end.unless_busy && !is_expected(subject, capability, &end),
                ..end
            })
        };
        let end = retry(ATTEMPTS, check).err();
        let finding = end.unwrap_or_else(|| Finding::new(Verdict::Has, ""));
        let cell = Cell {
            id: capability.id.to_owned(),
            as_expected: is_expected(subject, capability, &finding),
            finding,
        };
        progress(&cell);
        cells.push(cell);
    }
    Report {
        subject: subject.name().to_owned(),
        cells,
    }
}
