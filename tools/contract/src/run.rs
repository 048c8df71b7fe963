//! One service, all its capabilities, one after the other.

use crate::{
    capabilities::CAPABILITIES,
    expectations::is_expected,
    finding::{Cell, Report},
    subject::{RedisSource, Subject},
    testbed::Testbed,
};

/// Checks one service and says after each capability what was found. No `only` means all of them.
pub fn run(
    subject: &Subject,
    redis: &RedisSource,
    only: &[String],
    mut progress: impl FnMut(&Cell),
) -> Report {
    let wanted = |id: &str| only.is_empty() || only.iter().any(|name| name == id);
    let testbed = Testbed::new(subject, redis);
    let mut cells = Vec::new();
    for capability in CAPABILITIES.iter().filter(|known| wanted(known.id)) {
        let finding = (capability.check)(&testbed).unwrap_or_else(|end| end);
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
