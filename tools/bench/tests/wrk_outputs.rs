//! The reader of wrk's output, against what wrk 4.1 (Debian) and 4.2 really printed: from servers
//! that were fast, slow, silent, failing, closing connections, or gone. The files are in `wrk/`.

use std::fs;
use std::path::Path;

use bench::results::{Errors, LoadReport};
use bench::wrk::{parse, parse_text};

const VERSIONS: [&str; 2] = ["4.1", "4.2"];

fn output(version: &str, name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrk");
    fs::read_to_string(folder.join(format!("{version}-{name}.txt"))).unwrap()
}

/// Reads the same recorded situation from both versions.
fn both(name: &str) -> [LoadReport; 2] {
    VERSIONS.map(|version| {
        parse(&output(version, name)).unwrap_or_else(|error| panic!("{version}: {error:#}"))
    })
}

#[test]
fn the_text_says_the_same_as_the_line_of_json_in_every_unit() {
    let names = [
        "closed-connections",
        "microseconds",
        "milliseconds",
        "minutes",
        "no-response",
        "seconds",
        "server-gone",
        "status-500",
        "thousands",
        "timeouts",
        "too-few-files",
    ];
    for (version, name) in VERSIONS.iter().flat_map(|v| names.map(|name| (v, name))) {
        let output = output(version, name);
        let json = parse(&output).unwrap();
        let text = parse_text(&output).unwrap();
        let pairs = [
            (json.duration_us as f64, text.duration_us as f64),
            (json.latency_us.p50, text.latency_us.p50),
            (json.latency_us.p90, text.latency_us.p90),
            (json.latency_us.p99, text.latency_us.p99),
            (json.latency_us.max, text.latency_us.max),
        ];
        for (exact, rounded) in pairs {
            // The text has two decimals, so 0.85m may be off by a third of a second.
            assert!(
                (exact - rounded).abs() <= 0.006 * exact,
                "{version} {name}: {json:?} and {text:?}"
            );
        }
    }
}

#[test]
fn a_server_without_faults_has_none() {
    for name in [
        "microseconds",
        "milliseconds",
        "seconds",
        "minutes",
        "thousands",
    ] {
        for report in both(name) {
            assert_eq!(report.errors, Errors::default(), "{name}");
            assert!(report.responses > 0, "{name}");
        }
    }
}

#[test]
fn every_kind_of_error_arrives_in_its_field() {
    for report in both("closed-connections") {
        assert!(
            report.errors.read > 0 && report.errors.connect == 0,
            "{report:?}"
        );
    }
    for report in both("server-gone") {
        assert!(
            report.errors.write > 0 && report.errors.connect == 0,
            "{report:?}"
        );
    }
    for report in both("too-few-files") {
        assert!(report.errors.connect > 0, "{report:?}");
    }
    for report in both("timeouts") {
        assert_eq!(report.errors.timeout, report.responses, "{report:?}");
    }
    for report in both("status-500") {
        let third = report.responses / 3;
        assert!(report.errors.status.abs_diff(third) <= 10, "{report:?}");
    }
    for report in both("no-response") {
        assert_eq!((report.responses, report.errors), (0, Errors::default()));
    }
}

#[test]
fn throughput_is_what_wrk_itself_computes() {
    for version in VERSIONS {
        let output = output(version, "thousands");
        let line = output
            .lines()
            .find_map(|line| line.strip_prefix("Requests/sec:"));
        let expected: f64 = line.unwrap().trim().parse().unwrap();
        let got = parse(&output).unwrap().per_second();
        assert!((got - expected).abs() < 0.01, "{got} and {expected}");
    }
}

#[test]
fn output_that_is_not_whole_or_not_ours_is_refused() {
    let whole = output("4.1", "status-500");
    let (text, _) = whole.split_once('{').unwrap();
    let cases = [
        (text.to_owned(), "its script did not run"),
        (
            format!("{text}{{\"responses\":1}}\n"),
            "not our line of JSON",
        ),
        (whole.replace("Non-2xx", "Some other"), "contradict"),
        (
            whole.replace("36560 requests", "36561 requests"),
            "contradict",
        ),
        (
            whole.replace(" requests in ", " visits in "),
            "stopped early",
        ),
        (
            whole.replace("  Non-2xx", "  Socket errors: fish 3\n  Non-2xx"),
            "unknown kind",
        ),
        (whole.replace("99% ", "98% "), "\"99%\""),
        (
            "unable to connect to 127.0.0.1:22999 Connection refused\n".to_owned(),
            "script",
        ),
    ];
    for (output, expected) in cases {
        let error = format!("{:#}", parse(&output).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}
