//! Where a step differs from what its number says.

use crate::{
    capabilities::Capability,
    finding::{Finding, Verdict, but},
    subject::Subject,
};

/// Where a step has what its number says it lacks, or has it with a difference to the letter. Each was
/// measured, again and again.
const EXCEPTIONS: &[(&str, &str, Option<&str>)] = &[
    // The original: Flask answers HTML, and its client reconnects by itself.
    ("step-0-flask", "greets", Some(but::HTML)),
    ("step-0-flask", "counts", None),
    ("step-0-flask", "unique", None),
    ("step-0-flask", "ignores-strangers", None),
    ("step-0-flask", "survives-restart", None),
    ("step-0-flask", "shared", None),
    ("step-0-flask", "starts-alone", None),
    // But it knows no time-out.
    ("step-0-flask", "heals", Some(but::STAYS)),
    // Flask's own server speaks HTTP/1.0: one short answer, which always has room, and that was it.
    (
        "step-0-flask",
        "outlasts-slow-readers",
        Some(but::ONE_ANSWER),
    ),
    // Step 1 counts in its own memory, so it asks Redis nothing.
    ("step-1-memory", "starts-alone", Some(but::NO_REDIS)),
    ("step-1-memory", "heals", Some(but::NO_REDIS)),
    ("step-1-memory", "refuses-honestly", Some(but::NO_REDIS)),
    ("step-1-memory", "few-round-trips", Some(but::NO_REDIS)),
    ("step-1-memory", "cluster", Some(but::NO_REDIS)),
    // Rocket 0.5 answers what it has read, and closes at once what looks idle.
    ("step-3-rocket", "drains", Some(but::LOST_ON_THE_WIRE)),
    // Rocket 0.5 tries the next route where the method does not fit, and there is none.
    ("step-3-rocket", "ignores-strangers", Some(but::NOT_FOUND)),
];

/// Whether that was to be found of a subject. A capability that was left out is nobody's failure. Nothing
/// is known of a server that is none of our steps, so it is expected to have what is checked.
pub fn is_expected(subject: &Subject, capability: &Capability, finding: &Finding) -> bool {
    if finding.verdict == Verdict::LeftOut {
        return true;
    }
    let Subject::Step { name, number, .. } = subject else {
        return finding.is_had();
    };
    let mut exceptions = EXCEPTIONS.iter();
    let exception = exceptions.find(|(step, id, _)| step == name && *id == capability.id);
    let has = exception.is_some() || *number >= capability.first_step;
    match exception.and_then(|(_, _, but)| *but) {
        Some(but) => finding.verdict == Verdict::HasBut && finding.evidence == but,
        None if has => finding.verdict == Verdict::Has,
        None => finding.verdict == Verdict::Lacks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capabilities::CAPABILITIES;

    #[test]
    fn every_exception_is_one_of_a_capability() {
        let known = |id: &str| CAPABILITIES.iter().any(|capability| capability.id == id);
        assert!(EXCEPTIONS.iter().all(|(_, id, _)| known(id)));
    }
}
