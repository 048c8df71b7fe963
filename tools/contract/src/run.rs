//! One service, all its capabilities, one after the other.

use steps::Source;

use crate::{
    capabilities::CAPABILITIES,
    expectations::is_expected,
    finding::{Cell, Finding, Report, Verdict},
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
        let check = || match (capability.check)(&testbed) {
            Ok(()) => Finding::new(Verdict::Has, ""),
            Err(end) => end,
        };
        let mut finding = check();
        for _ in 1..ATTEMPTS {
            if finding.unless_busy && !is_expected(subject, capability, &finding) {
                finding = check();
            }
        }
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
