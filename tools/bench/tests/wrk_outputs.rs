//! What wrk 4.1 (Debian) and 4.2 really printed through our script: of servers that were fast, slow,
//! silent, failing, closing connections, or gone. The lines are in `wrk/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bench::results::{Failure, LoadReport};

/// Reads the same recorded situation from both versions.
fn both(name: &str) -> [LoadReport; 2] {
    ["4.1", "4.2"].map(|version| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrk");
        let text = fs::read_to_string(folder.join(format!("{version}.json"))).unwrap();
        let mut reports: BTreeMap<String, LoadReport> = serde_json::from_str(&text).unwrap();
        reports.remove(name).unwrap()
    })
}

/// How often anything went wrong.
fn failures(report: &LoadReport) -> u64 {
    report.errors.values().sum()
}

#[test]
fn a_server_without_faults_has_none() {
    // The names say what the median is, in microseconds.
    for (name, median_us) in [
        ("microseconds", 1.0..1e3),
        ("milliseconds", 1e3..1e6),
        ("seconds", 1e6..50e6),
        ("minutes", 50e6..60e6),
        ("thousands", 1e3..1e6),
    ] {
        for report in both(name) {
            assert_eq!(failures(&report), 0, "{name}");
            assert!(report.responses > 0, "{name}");
            let latency = report.latency_us;
            assert!(median_us.contains(&latency.p50), "{name}: {latency:?}");
            let percentiles = [latency.p50, latency.p90, latency.p99, latency.max];
            assert!(percentiles.is_sorted(), "{name}: {latency:?}");
        }
    }
}

#[test]
fn every_kind_of_error_arrives_in_its_field() {
    for report in both("closed-connections") {
        assert!(
            report.failed(Failure::Read) > 0 && report.failed(Failure::Connect) == 0,
            "{report:?}"
        );
    }
    for report in both("server-gone") {
        assert!(
            report.failed(Failure::Write) > 0 && report.failed(Failure::Connect) == 0,
            "{report:?}"
        );
    }
    for report in both("too-few-files") {
        assert!(report.failed(Failure::Connect) > 0, "{report:?}");
    }
    for report in both("timeouts") {
        assert_eq!(
            report.failed(Failure::Timeout),
            report.responses,
            "{report:?}"
        );
    }
    for report in both("status-500") {
        let third = report.responses / 3;
        assert!(
            report.failed(Failure::Status).abs_diff(third) <= 10,
            "{report:?}"
        );
    }
    for report in both("no-response") {
        assert_eq!((report.responses, failures(&report)), (0, 0));
    }
}

/// wrk itself computed these, in its report for people.
#[test]
fn throughput_is_what_wrk_itself_computes() {
    let got = both("thousands").map(|report| report.per_second());
    for (got, expected) in got.into_iter().zip([4654.97, 10_228.26]) {
        assert!((got - expected).abs() < 0.01, "{got} and {expected}");
    }
}
