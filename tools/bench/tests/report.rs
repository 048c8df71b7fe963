//! What a reader sees of a finished run, with figures from a list instead of a machine: whoever changes
//! that, sees it here.

#[allow(dead_code)]
mod fake;

use std::path::Path;

use bench::results::{Plan, Rate, Results};
use bench::{COLUMNS_MAX, plot};
use fake::{EVERYBODY, Fake, finish, plan};

fn finished(names: &[&str], rates: &[Rate]) -> Results {
    let mut fake = Fake {
        noise: 0.04,
        ..Fake::default()
    };
    finish(plan(names, Some(12), rates), &mut fake)
}

#[test]
fn the_terminal_shows_it_in_100_columns() {
    let text = bench::terminal(&finished(&EVERYBODY, &[Rate::PercentOfSlowest(50.0)]));
    let plain = anstream::adapter::strip_str(&text).to_string();
    for line in plain.lines() {
        assert!(line.chars().count() <= COLUMNS_MAX, "too wide: {line}");
    }
    insta::assert_snapshot!("terminal", plain);
    let mut red = text.lines().filter(|line| line.starts_with("\x1b[31m"));
    assert!(red.clone().count() >= 2, "what is discarded is red");
    assert!(red.all(|line| line.contains("step-4-pooled")), "{text}");
}

/// The same run again, with some contestants faster by a factor.
fn repeated(results: &Results, factors: &[(&str, f64)]) -> Results {
    let mut results = results.clone();
    for round in &mut results.rounds {
        let factor = factors.iter().find(|(name, _)| round.contestant == *name);
        if let (Some((_, factor)), Some(figures)) = (factor, &mut round.figures) {
            let responses = &mut figures.report.responses;
            *responses = (*responses as f64 * factor) as u64;
        }
    }
    results
}

#[test]
fn two_runs_agree_unless_their_intervals_are_apart() {
    let first = finished(&EVERYBODY, &[]);
    let factors = [
        ("step-2-redis", 0.995),
        ("step-3-rocket", 0.96),
        ("limit", 1.1),
    ];
    let agreements = bench::compare(&first, &repeated(&first, &factors));
    let text = bench::agreements(&agreements);
    insta::assert_snapshot!("agreement", anstream::adapter::strip_str(&text).to_string());
    let red: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("\x1b[31m"))
        .collect();
    assert_eq!(red.len(), 4, "twice at each number of connections: {text}");
    assert!(
        red.iter()
            .all(|line| line.contains("limit") || line.contains("rocket")),
        "{text}"
    );
    let few = finish(plan(&EVERYBODY, Some(2), &[]), &mut Fake::default());
    let text = bench::agreements(&bench::compare(&first, &few));
    assert!(text.contains("have too few rounds to tell"), "{text}");
}

#[test]
fn only_what_counts_in_both_runs_is_compared() {
    let mut first = finished(&["step-1-memory", "step-2-redis", "limit"], &[]);
    let second = finished(&["step-1-memory", "step-2-redis"], &[]);
    for round in &mut first.rounds {
        if round.connections == 64 {
            round.discarded = vec!["12 responses had another status than 200".to_owned()];
        }
    }
    let agreements = bench::compare(&first, &second);
    let compared = agreements.iter().map(|agreement| {
        let names = agreement.rows.iter().map(|row| row.name.as_str());
        (agreement.group.connections, names.collect())
    });
    let names = vec!["step-2-redis", "step-1-memory again"];
    assert_eq!(compared.collect::<Vec<(u32, Vec<&str>)>>(), [(1000, names)]);
}

#[test]
fn the_report_and_the_readme_have_their_tables_and_plots() {
    let results = finished(&EVERYBODY, &[]);
    insta::assert_snapshot!("report", bench::markdown(&results));
    let folder = Path::new("book/measurements/bench/a");
    insta::assert_snapshot!("readme", bench::readme_part(&results, folder));
    insta::assert_snapshot!("headline", bench::headline(&results));
}

#[test]
fn the_plots_have_one_line_for_each_contestant_and_no_blank_line() {
    let plots = plot::draw(&finished(&EVERYBODY, &[Rate::PercentOfSlowest(50.0)]));
    let files: Vec<&str> = plots.iter().map(|plot| plot.file.as_str()).collect();
    assert_eq!(files.len(), 10, "{files:?}");
    for plot in &plots {
        for name in EVERYBODY {
            let is_named = plot.svg.contains(&format!(">{name}</text>"));
            assert!(is_named, "{} lacks {name}", plot.file);
        }
        assert!(
            !plot.svg.contains("again"),
            "the repetition is not a contestant"
        );
        assert!(
            !plot.svg.contains("\n\n"),
            "{}: Markdown ends HTML at a blank line",
            plot.file
        );
        assert!(plot.svg.contains("<title>") && plot.svg.contains("<desc>"));
        assert!(
            !plot.svg.contains("NaN") && !plot.svg.contains("inf"),
            "{}",
            plot.svg
        );
    }
    insta::assert_snapshot!("throughput", plots[0].svg);
    insta::assert_snapshot!("latency", plots[1].svg);
    insta::assert_snapshot!("cpu", plots[2].svg);
}

#[test]
fn a_sweep_has_a_curve_for_each_contestant() {
    let rates = [10.0, 50.0, 110.0].map(Rate::PercentOfFastest);
    let mut results = plan(&EVERYBODY, Some(12), &[]);
    let tables = [1, 8, 64].map(|connections| Plan::tables(&[connections], &[]));
    results.plan.tables = [tables.concat(), Plan::tables(&[256], &rates)].concat();
    let mut fake = Fake {
        noise: 0.04,
        ..Fake::default()
    };
    let results = finish(results, &mut fake);
    let plots = plot::draw(&results);
    let files: Vec<&str> = plots.iter().map(|plot| plot.file.as_str()).collect();
    let expected = [
        "sweep-throughput.svg",
        "sweep-latency.svg",
        "sweep-rate.svg",
    ];
    assert_eq!(files, expected);
    for plot in &plots {
        let is_named = |name: &&&str| plot.svg.contains(&format!(">{name}</text>"));
        let named = EVERYBODY.iter().filter(is_named).count();
        // The debug server is too slow for a p99 of its own.
        let is_closed_latency = plot.file == "sweep-latency.svg";
        assert_eq!(named, EVERYBODY.len() - usize::from(is_closed_latency));
        assert!(
            !plot.svg.contains("NaN") && !plot.svg.contains("\n\n"),
            "{}",
            plot.svg
        );
    }
    insta::assert_snapshot!("sweep", plots[2].svg);
    let report = bench::markdown(&results);
    assert!(report.contains("](sweep-rate.svg)") && !report.contains("](throughput-64.svg)"));
}

#[test]
fn a_curve_has_no_band_where_nobody_knows_how_exact_it_is() {
    let bands = |rounds| {
        let mut results = plan(&EVERYBODY, Some(rounds), &[]);
        let tables = [1, 8, 64].map(|connections| Plan::tables(&[connections], &[]));
        results.plan.tables = tables.concat();
        let results = finish(results, &mut Fake::default());
        plot::draw(&results)[0].svg.matches("fill-opacity").count()
    };
    assert_eq!(bands(12), EVERYBODY.len());
    // Too few for an interval.
    assert_eq!(bands(3), 0);
}

#[test]
fn stored_results_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let results = finished(&EVERYBODY, &[Rate::PercentOfSlowest(50.0)]);
    results.write(folder.path()).unwrap();
    assert_eq!(Results::read(folder.path()).unwrap(), results);

    let file = folder.path().join("results.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"format\": 1", "\"format\": 99")).unwrap();
    let error = Results::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("format 99"), "{error}");
    std::fs::write(&file, "{}").unwrap();
    let error = Results::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("not a results file"), "{error}");
}
