//! Decides whether a round counts.
//!
//! A server that answers without counting, gives a number twice, or gives up half of its connections
//! is easily fast. Any sign of that makes the round one to discard: its figures are kept, marked, and
//! used for nothing.

use crate::results::{Failure, Load, LoadReport};

/// An open loop that got less than this share of its rate answered shows a server that could not
/// keep up: its latency would grow for as long as the round lasts, and says nothing.
const RATE_SHARE_MIN: f64 = 0.95;

/// What contestants may use that have nothing to do, all together, as a share of the machine. A Redis
/// wakes up ten times a second, and Flask's debug server looks for changed files.
const IDLE_CPU_MAX: f64 = 0.03;

/// Why the round must not be used, in sentences. Empty when all is well.
///
/// `counted` is how far the counter moved. It may be ahead of the responses by the visits that were
/// under way when the load ended: at most one on each connection. It is `None` when it could not be
/// read, for which there is a reason already.
pub(crate) fn verify(
    report: &LoadReport,
    counted: Option<u64>,
    connections: u32,
    load: Load,
) -> Vec<String> {
    let errors = report.errors.iter().filter(|(_, number)| **number > 0);
    let mut reasons: Vec<String> = errors
        .map(|(failure, number)| format!("{number} {}", what(*failure)))
        .collect();

    let responses = report.responses;
    if responses == 0 {
        reasons.push("there was no response at all".to_owned());
    }
    let too_few = counted.filter(|counted| *counted < responses);
    reasons.extend(
        too_few.map(|counted| {
            format!("{responses} responses, but only {counted} visits were counted")
        }),
    );
    let too_many = counted.filter(|counted| *counted > responses + u64::from(connections));
    reasons.extend(too_many.map(|counted| {
        format!(
            "{responses} responses on {connections} connections, but {counted} visits were counted"
        )
    }));
    let per_second = report.per_second();
    if let Load::FixedRate(rate) = load
        && per_second < rate * RATE_SHARE_MIN
    {
        reasons.push(format!(
            "could not keep up: {per_second:.0} responses a second at a rate of {rate:.0}"
        ));
    }
    reasons
}

fn what(failure: Failure) -> &'static str {
    match failure {
        Failure::Connect => "connections could not be made",
        Failure::Read => "connections were lost before the response",
        Failure::Write => "connections were lost during the request",
        Failure::Timeout => "responses came after the time-out, or never",
        Failure::Status => "responses had another status than 200",
        Failure::Body => "responses had no number in them",
        Failure::Duplicate => "responses had a number that was given before",
    }
}

/// Why a measurement was disturbed, by the shares of the machine that other programs and idle contestants
/// used. Where the system does not tell, nobody knows.
pub(crate) fn disturbances(other: Option<f64>, idle: Option<f64>, other_max: f64) -> Vec<String> {
    let shares = [
        ("other programs", other, other_max),
        ("idle contestants", idle, IDLE_CPU_MAX),
    ];
    let shares = shares.into_iter();
    let disturbs = shares.filter(|(_, share, max)| share.is_some_and(|share| share > *max));
    let reasons = disturbs.map(|(who, _, max)| {
        let percent = max * 100.0;
        format!("{who} used more than {percent:.0} % of the processors")
    });
    reasons.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Latency;

    fn report(errors: &[(Failure, u64)]) -> LoadReport {
        LoadReport {
            responses: 1000,
            duration_us: 1_000_000,
            latency_us: Latency::default(),
            errors: errors.iter().copied().collect(),
        }
    }

    /// How many reasons there are against 1,000 responses on 64 connections.
    fn reasons(counted: u64, load: Load) -> usize {
        verify(&report(&[]), Some(counted), 64, load).len()
    }

    #[test]
    fn the_counter_may_be_ahead_by_one_for_each_connection_and_never_behind() {
        for (counted, expected) in [(999, 1), (1000, 0), (1064, 0), (1065, 1)] {
            assert_eq!(reasons(counted, Load::Capacity), expected, "{counted}");
        }
    }

    #[test]
    fn every_kind_of_error_discards_a_round() {
        use Failure::{Body, Connect, Duplicate, Read, Status, Timeout, Write};
        for failure in [Connect, Read, Write, Timeout, Status, Body, Duplicate] {
            let report = report(&[(failure, 7)]);
            let reasons = verify(&report, Some(1000), 64, Load::Capacity);
            let is_said = reasons.len() == 1 && reasons[0].starts_with("7 ");
            assert!(is_said, "{failure:?}: {reasons:?}");
        }
    }

    #[test]
    fn a_server_that_cannot_keep_up_has_no_latency_at_that_rate() {
        assert_eq!(reasons(1000, Load::FixedRate(1000.0)), 0);
        assert_eq!(reasons(1000, Load::FixedRate(1100.0)), 1);
    }

    #[test]
    fn silence_is_not_a_result() {
        let mut silent = report(&[]);
        silent.responses = 0;
        assert_eq!(verify(&silent, Some(0), 64, Load::Capacity).len(), 1);
    }

    #[test]
    fn a_disturbed_measurement_says_by_whom() {
        let disturbances = |other, idle| super::disturbances(other, idle, 0.05).join("; ");
        assert_eq!(disturbances(Some(0.05), Some(0.01)), "");
        assert_eq!(disturbances(None, None), "");
        let who = [
            disturbances(Some(0.06), None),
            disturbances(None, Some(0.06)),
        ];
        assert_eq!(
            who[0],
            "other programs used more than 5 % of the processors"
        );
        assert_eq!(
            who[1],
            "idle contestants used more than 3 % of the processors"
        );
    }
}
