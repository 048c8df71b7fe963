//! From the order of the rounds to the finished report, with figures from a list instead of a
//! machine: whoever changes what a reader sees, sees it here.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use bench::results::{
    Cpu, Entry, Errors, FORMAT, Figures, Latency, Load, LoadReport, Machine, Plan, Rate, Results,
};
use bench::summary::summarise;
use bench::{COLUMNS_MAX, Executor, Outcome, Trial, plot, run};

/// Answers every trial from a table of capacities, a little different in each round.
#[derive(Default)]
struct Fake {
    trials: Vec<Trial>,
}

impl Executor for Fake {
    fn execute(&mut self, trial: &Trial) -> Outcome {
        self.trials.push(trial.clone());
        // 0 %, +2 % and -2 %, and a steady +1 % for the repetition.
        let drift = [1.0, 1.02, 0.98][(trial.round - 1) as usize % 3];
        let again = if trial.contestant == trial.program {
            1.0
        } else {
            1.01
        };
        let per_second = capacity(&trial.program) * drift * again;
        let per_second = match trial.load {
            Load::Capacity => per_second,
            Load::FixedRate(rate) => rate,
        };
        let discarded = match (trial.contestant.as_str(), trial.round, trial.load) {
            ("step-4-pooled", 2, Load::Capacity) => {
                vec!["12 responses had another status than 200".to_owned()]
            }
            _ => Vec::new(),
        };
        Outcome {
            discarded,
            figures: Some(figures(trial, per_second)),
        }
    }
}

fn capacity(program: &str) -> f64 {
    match program {
        "flask-debug" => 420.0,
        "flask-gunicorn" => 1_900.0,
        "step-1-memory" => 100_000.0,
        "step-2-redis" => 62_000.0,
        // Faster than step 1, but not by more than the noise.
        "step-3-rocket" => 100_500.0,
        "limit" => 140_000.0,
        _ => 24_000.0,
    }
}

fn figures(trial: &Trial, per_second: f64) -> Figures {
    let median_us = f64::from(trial.connections) / capacity(&trial.program) * 1e6;
    Figures {
        report: LoadReport {
            responses: (per_second * 2.0) as u64,
            duration_us: 2_000_000,
            latency_us: Latency {
                p50: median_us,
                p90: median_us * 1.5,
                p99: median_us * 3.0,
                max: median_us * 20.0,
            },
            errors: Errors::default(),
        },
        counted: Some((per_second * 2.0) as u64 + 3),
        cpu: Some(Cpu {
            server_us: 1_200_000.0 / capacity(&trial.program),
            redis_us: 1.5,
            load_us: 6.0,
        }),
        memory_bytes: Some(12 << 20),
        redis_commands: Some(1.0),
        other_cpu: Some(0.01),
        // As many as do not fit at once: a queue of 128.
        queue_overflows: Some(match trial.program.as_str() {
            "limit" => 0,
            _ => u64::from(trial.connections.saturating_sub(128)),
        }),
    }
}

fn results(names: &[&str], rate: Option<Rate>) -> Results {
    let entry = |name: &str| Entry {
        name: name.to_owned(),
        repeats: None,
        failure: None,
    };
    let mut contestants: Vec<Entry> = names.iter().map(|name| entry(name)).collect();
    contestants.push(Entry {
        repeats: Some("step-1-memory".to_owned()),
        ..entry("step-1-memory again")
    });
    Results {
        format: FORMAT,
        date: "2026-11-23T12:00:00Z".to_owned(),
        command: "cargo xtask bench all".to_owned(),
        commit: Some("0123456".to_owned()),
        machine: Machine {
            processor: "A processor".to_owned(),
            cores: 2,
            memory_bytes: Some(8 << 30),
            system: "A system".to_owned(),
            kernel: "Linux 6.1".to_owned(),
        },
        versions: BTreeMap::from([("wrk".to_owned(), "4.2.0".to_owned())]),
        plan: Plan {
            connections: vec![64, 1000],
            threads: 2,
            duration_s: 2,
            warm_up_s: 1,
            rounds: 3,
            engine: "wrk".to_owned(),
            rate,
            profile: "release".to_owned(),
        },
        warnings: vec!["The machine runs on battery, which slows it down; plug it in.".to_owned()],
        contestants,
        rounds: Vec::new(),
    }
}

const EVERYBODY: [&str; 7] = [
    "flask-debug",
    "flask-gunicorn",
    "step-1-memory",
    "step-2-redis",
    "step-3-rocket",
    "step-4-pooled",
    "limit",
];

/// Runs the plan to its end.
fn finished(mut results: Results) -> (Results, Fake) {
    let mut fake = Fake::default();
    let done: Result<(), Infallible> = run(&mut results, &mut fake, |_| Ok(()), || false);
    done.unwrap();
    (results, fake)
}

#[test]
fn rounds_are_interleaved_there_and_back() {
    let (_, fake) = finished(results(&["step-1-memory", "step-2-redis"], None));
    let order: Vec<String> = fake
        .trials
        .iter()
        .map(|trial| {
            let initial = match trial.contestant.as_str() {
                "step-1-memory" => 'A',
                "step-2-redis" => 'B',
                _ => 'a',
            };
            format!("{}{initial}{}", trial.connections, trial.round)
        })
        .collect();
    assert_eq!(
        order.join(" "),
        "64A1 64B1 64a1 64a2 64B2 64A2 64A3 64B3 64a3 \
         1000A1 1000B1 1000a1 1000a2 1000B2 1000A2 1000A3 1000B3 1000a3"
    );
    let repetition = &fake.trials[2];
    assert_eq!(
        repetition.program, "step-1-memory",
        "the repetition starts the original"
    );
}

#[test]
fn a_percentage_is_that_of_the_slowest_capacity_in_the_same_run() {
    let names = ["flask-gunicorn", "step-1-memory"];
    let (results, _) = finished(results(&names, Some(Rate::PercentOfSlowest(50.0))));
    let rates: Vec<f64> = results
        .rounds
        .iter()
        .filter_map(|round| match round.load {
            Load::FixedRate(rate) => Some(rate),
            Load::Capacity => None,
        })
        .collect();
    assert_eq!(rates, [950.0; 18], "half of 1900, for everybody");
    let groups = summarise(&results);
    let kinds: Vec<bool> = groups.iter().map(|g| g.load == Load::Capacity).collect();
    assert_eq!(
        kinds,
        [true, true, false, false],
        "two kinds, never in one table"
    );
    assert_eq!(
        groups[2].engine, "builtin",
        "wrk cannot send at a fixed rate"
    );
}

#[test]
fn a_number_of_requests_needs_no_capacity() {
    let (results, _) = finished(results(&["step-1-memory"], Some(Rate::PerSecond(500.0))));
    assert!(
        results
            .rounds
            .iter()
            .all(|round| round.load == Load::FixedRate(500.0))
    );
}

#[test]
fn a_stop_keeps_the_rounds_that_were_finished() {
    let mut results = results(&EVERYBODY, None);
    let mut fake = Fake::default();
    let asked = std::cell::Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        // Asked before and after each trial: this is during the fourth.
        asked.get() >= 8
    };
    let done: Result<(), Infallible> = run(&mut results, &mut fake, |_| Ok(()), stop);
    done.unwrap();
    assert_eq!(fake.trials.len(), 4);
    assert_eq!(
        results.rounds.len(),
        3,
        "the fourth was cut short and is no result"
    );
    // What was not measured yet has done nothing wrong.
    let rendered = bench::terminal(&results);
    assert!(rendered.contains("step-4-pooled"), "{rendered}");
    assert!(!rendered.contains("discarded"), "{rendered}");
    for plot in plot::draw(&results) {
        assert!(!plot.svg.contains("discarded"), "{}", plot.svg);
    }
}

#[test]
fn a_discarded_round_is_never_averaged_in() {
    let (mut results, _) = finished(results(&EVERYBODY, None));
    let before = summarise(&results);
    for round in results
        .rounds
        .iter_mut()
        .filter(|round| !round.discarded.is_empty())
    {
        // However wild it is, it changes nothing.
        if let Some(figures) = &mut round.figures {
            figures.report.responses *= 1000;
            figures.memory_bytes = Some(u64::MAX);
            figures.redis_commands = Some(1e9);
            figures.report.latency_us.max = 1e12;
        }
    }
    assert_eq!(summarise(&results), before);
    let row = &before[0].rows[5];
    assert_eq!(
        (row.name.as_str(), row.valid, row.discarded.len()),
        ("step-4-pooled", 2, 1)
    );
}

#[test]
fn a_contestant_that_cannot_be_built_is_reported_and_not_run() {
    let mut plan = results(&EVERYBODY, None);
    plan.contestants[3].failure = Some("step-2-redis cannot be built".to_owned());
    let (results, fake) = finished(plan);
    assert!(
        fake.trials
            .iter()
            .all(|trial| trial.contestant != "step-2-redis")
    );
    let text = bench::terminal(&results);
    assert!(
        text.contains("DISCARDED step-2-redis: step-2-redis cannot be built"),
        "{text}"
    );
}

#[test]
fn the_terminal_shows_it_in_100_columns() {
    let (results, _) = finished(results(&EVERYBODY, Some(Rate::PercentOfSlowest(50.0))));
    let text = bench::terminal(&results);
    let plain = anstream::adapter::strip_str(&text).to_string();
    for line in plain.lines() {
        assert!(line.chars().count() <= COLUMNS_MAX, "too wide: {line}");
    }
    insta::assert_snapshot!("terminal", plain);
    let discarded = text.lines().filter(|line| line.starts_with("\x1b[31m"));
    assert!(discarded.clone().count() >= 2, "what is discarded is red");
    assert!(
        discarded.clone().all(|line| line.contains("step-4-pooled")),
        "{text}"
    );
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
fn two_runs_agree_unless_they_differ_by_more_than_they_admit() {
    let (first, _) = finished(results(&EVERYBODY, Some(Rate::PercentOfSlowest(50.0))));
    let factors = [
        ("step-2-redis", 0.995),
        ("step-3-rocket", 1.03),
        ("limit", 1.1),
    ];
    let agreements = bench::compare(&first, &repeated(&first, &factors));
    let text = bench::agreements(&agreements);
    insta::assert_snapshot!("agreement", anstream::adapter::strip_str(&text).to_string());
    let red: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("\x1b[31m"))
        .collect();
    assert_eq!(red.len(), 2, "once at each number of connections: {text}");
    assert!(red.iter().all(|line| line.contains("limit")), "{text}");
}

#[test]
fn only_what_counts_in_both_runs_is_compared() {
    let (mut first, _) = finished(results(&["step-1-memory", "step-2-redis", "limit"], None));
    let (second, _) = finished(results(&["step-1-memory", "step-2-redis"], None));
    for round in &mut first.rounds {
        if round.connections == 64 {
            round.discarded = vec!["12 responses had another status than 200".to_owned()];
        }
    }
    let agreements = bench::compare(&first, &second);
    let compared: Vec<_> = agreements
        .iter()
        .map(|agreement| {
            let names = agreement.rows.iter().map(|row| row.name.as_str());
            (agreement.connections, names.collect::<Vec<_>>())
        })
        .collect();
    let names = vec!["step-1-memory", "step-2-redis", "step-1-memory again"];
    assert_eq!(compared, [(1000, names)]);
}

#[test]
fn the_report_and_the_readme_have_their_tables_and_plots() {
    let (results, _) = finished(results(&EVERYBODY, None));
    insta::assert_snapshot!("report", bench::markdown(&results));
    let folder = Path::new("book/measurements/bench/a");
    insta::assert_snapshot!("readme", bench::readme_part(&results, folder));
}

#[test]
fn the_plots_have_one_line_for_each_contestant_and_no_blank_line() {
    let (results, _) = finished(results(&EVERYBODY, Some(Rate::PercentOfSlowest(50.0))));
    let plots = plot::draw(&results);
    let files: Vec<&str> = plots.iter().map(|plot| plot.file.as_str()).collect();
    assert_eq!(files.len(), 10, "{files:?}");
    for plot in &plots {
        for name in EVERYBODY {
            assert!(
                plot.svg.contains(&format!(">{name}</text>")),
                "{} lacks {name}",
                plot.file
            );
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
fn stored_results_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (results, _) = finished(results(&EVERYBODY, Some(Rate::PercentOfSlowest(50.0))));
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
