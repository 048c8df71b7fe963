//! The plan for a measurement that never changes, and what it says at the edges.

use std::{fmt::Write, path::Path, time::Duration};

use bench::results::Results;
use plan::{Demand, Inputs, Network, Plan, Point};

const STEP: &str = "step-6-fixed";

/// A run of five rounds at 64 and at 1000 connections, with these figures in each but for a little noise.
fn results(memory_is_known_per_connection: bool) -> Results {
    let mut rounds = String::new();
    for (connections, p99, server, redis, commands, memory) in [
        (64, 2000.0, 13.0, 1.5, 0.07, 14 << 20),
        (1000, 21_000.0, 15.0, 0.25, 0.005, 32 << 20),
    ] {
        for (round, noise) in [1.0, 0.98, 1.02, 0.96, 1.04].iter().enumerate() {
            let idle = match memory_is_known_per_connection {
                true => "2097152",
                false => "null",
            };
            let (p99, server, redis) = (p99 * noise, server * noise, redis * noise);
            let comma = if rounds.is_empty() { "" } else { "," };
            write!(
                rounds,
                r#"{comma}{{"contestant": "{STEP}", "connections": {connections}, "load": "capacity",
                "round": {}, "discarded": [], "figures": {{
                "report": {{"responses": 500000, "duration_us": 8000000, "errors": {{}},
                "latency_us": {{"p50": {p99}, "p90": {p99}, "p99": {p99}, "max": {p99}}}}},
                "counted": 500000, "cpu": {{"server_us": {server}, "redis_us": {redis}, "load_us": 9.0}},
                "memory_bytes": {memory}, "idle_memory_bytes": {idle}, "redis_commands": {commands}}}}}"#,
                round + 1
            )
            .unwrap();
        }
    }
    let text = format!(
        r#"{{"format": 1, "date": "", "command": "", "commit": null, "versions": {{}}, "warnings": [],
        "machine": {{"processor": "", "cores": 2, "memory_bytes": null, "system": "", "kernel": ""}},
        "plan": {{"threads": 2, "duration_s": 8, "warm_up_s": 2, "rounds": 5, "engine": "wrk", "profile": ""}},
        "contestants": [{{"name": "{STEP}", "repeats": null, "failure": null}}], "rounds": [{rounds}]}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn inputs(results: &Results) -> Inputs {
    let network = r#"{"rounds": [{"visits": 1000, "commands": 10, "request_bytes": 100000,
        "answer_bytes": 200000, "command_bytes": 900, "reply_bytes": 600}]}"#;
    Inputs {
        run: "book/measurements/bench/a-run/results.json".to_owned(),
        step: STEP.to_owned(),
        cores: results.machine.cores,
        points: Point::all(results, STEP).unwrap(),
        settings: "steps/step-6-fixed/src/settings.rs".to_owned(),
        connections_max: 4096,
        network: Network::parse(network).unwrap(),
    }
}

const DEMAND: Demand = Demand {
    visits: 1e6,
    p99: Duration::from_millis(50),
    regions: 3,
    utilisation: 0.6,
};

fn plan(demand: Demand) -> Plan {
    Plan::new(inputs(&results(true)), demand).unwrap()
}

#[test]
fn a_million_visits_a_second_in_three_regions() {
    insta::assert_snapshot!(plan(DEMAND));
}

#[test]
fn one_region_and_little_to_do() {
    let demand = Demand {
        visits: 100.0,
        regions: 1,
        ..DEMAND
    };
    let plan = plan(demand);
    assert_eq!(plan.replicas().median, 2.0, "one, and one to spare");
    insta::assert_snapshot!(plan);
}

#[test]
fn every_figure_follows_from_what_was_measured() {
    let plan = plan(DEMAND);
    assert_eq!(plan.point.connections, 1000);
    assert_eq!(plan.busy_cores().median, 15.0);
    // Two regions of three carry 15 cores at 60 %: 12.5 each, on machines of 2.
    assert_eq!(plan.replicas_in_a_region().median, 7.0);
    assert_eq!(plan.replicas().median, 21.0);
    assert_eq!(plan.redis_share().median, 0.25);
    assert_eq!(plan.point.visits_max().median, 4e6);
    assert_eq!(plan.commands().median.round(), 5000.0);
    assert_eq!(plan.kilometres().median, 2900.0);
    // Its interval is that of the p99, the other way round.
    let [near, far] = plan.kilometres().ends();
    assert!(near < 2900.0 && 2900.0 < far, "{near} to {far}");
    // 32 MiB, of which 30 are 1000 connections.
    let mebibytes = plan.memory().median / f64::from(1 << 20);
    assert_eq!(mebibytes.round(), 125.0);
}

#[test]
fn where_one_key_ends_the_plan_takes_more() {
    let demand = Demand {
        visits: 1e7,
        ..DEMAND
    };
    let plan = plan(demand);
    // 10 million take two and a half threads, and each is to be used to 60 %.
    assert_eq!((plan.keys(), plan.masters()), (5, 5));
    let text = plan.to_string();
    assert!(
        text.contains("as at 1,000 connections: 10,000,000 visits/s take 5 keys"),
        "{text}"
    );
}

#[test]
fn few_visits_have_a_command_each_and_one_key() {
    let few = |visits| {
        plan(Demand {
            visits,
            regions: 1,
            ..DEMAND
        })
    };
    // At 64 connections a visit takes 1.5 µs of Redis, and a fourteenth of a command.
    let share = few(100.0).redis_share().median;
    assert!((share - 100.0 * 1.5e-6 / 0.07).abs() < 1e-9, "{share}");
    // So many would take more than all of the thread, but those that wait for it share commands: one machine
    // was measured with more.
    let plan = few(60_000.0);
    assert!(!plan.has_batches());
    assert_eq!((plan.redis_share().median, plan.keys()), (1.0, 1));
    let text = plan.to_string();
    assert!(
        text.contains(
            "at most 60,000 commands/s, one for each visit\n  at most 100 % of the one thread"
        ),
        "{text}"
    );
    let text = few(1.0).to_string();
    for something in ["  <0.01 cores busy", "at most <0.01 % of", "0.05 more"] {
        assert!(text.contains(something), "{something} in\n{text}");
    }
}

#[test]
fn most_masters_outlive_the_loss_of_one_of_three_regions() {
    let plan = plan(Demand {
        visits: 8e6,
        ..DEMAND
    });
    assert_eq!((plan.keys(), plan.masters()), (4, 5));
    let text = plan.to_string();
    assert!(text.contains("10 nodes: 5 masters"), "{text}");
}

#[test]
fn two_regions_do_not_outlive_the_loss_of_each() {
    let text = plan(Demand {
        regions: 2,
        ..DEMAND
    })
    .to_string();
    assert!(
        text.contains("2 regions, of which the one with fewer masters may be lost"),
        "{text}"
    );
}

#[test]
fn a_cluster_that_is_too_large_is_several() {
    let at = |visits| plan(Demand { visits, ..DEMAND }).to_string();
    let more = "more than the 1,000 that a Redis Cluster is made for";
    assert!(!at(1e9).contains(more));
    assert!(at(2e9).contains(more));
}

#[test]
fn what_can_be_added_is_said_of_the_measurement_that_is_planned_with() {
    let plan = plan(Demand {
        visits: 2e5,
        p99: Duration::from_millis(5),
        ..DEMAND
    });
    assert_eq!(plan.point.connections, 64);
    let text = plan.to_string();
    // 1.5 µs of Redis for a visit are 667,000 visits in a second.
    assert!(
        text.contains("as at 64 connections: 3.33 times as many as are asked for"),
        "{text}"
    );
}

#[test]
fn the_measurement_with_the_most_connections_that_is_fast_enough_is_planned_with() {
    let at = |p99| {
        Plan::new(
            inputs(&results(true)),
            Demand {
                p99: Duration::from_micros(p99),
                ..DEMAND
            },
        )
    };
    assert_eq!(at(50_000).unwrap().point.connections, 1000);
    // It may have taken 21.84 ms.
    assert_eq!(at(21_500).unwrap().point.connections, 64);
    let error = at(1000).unwrap_err().to_string();
    assert_eq!(
        error,
        "--p99 1 ms is faster than anything that was measured: step-6-fixed took 2.00 [1.92–2.08] ms \
         with 64 connections (book/measurements/bench/a-run/results.json)"
    );
}

#[test]
fn an_older_run_bounds_the_memory_from_above() {
    let plan = Plan::new(inputs(&results(false)), DEMAND).unwrap();
    assert!(plan.to_string().contains("at most 131 MiB of memory each"));
}

#[test]
fn what_is_published_is_enough_for_a_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let inputs = Inputs::read(root).unwrap();
    let demand = Demand {
        p99: Duration::from_secs(1),
        ..DEMAND
    };
    let plan = Plan::new(inputs, demand).unwrap();
    let text = plan.to_string();
    for file in [&plan.inputs.run, &plan.inputs.settings] {
        assert!(
            root.join(file).is_file() && text.contains(file),
            "{file} in\n{text}"
        );
    }
}
