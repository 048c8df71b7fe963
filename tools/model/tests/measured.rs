//! The model against what was measured for the book: the newest published run.

use std::path::Path;

use bench::{
    costs::costs,
    published,
    results::{Load, Results},
    summary::{self, Group},
};
use model::{
    figures::{Measured, SLICE},
    history::History,
    simulation::simulate,
    world::{Costs, Counting, Faults, MS, Machine, Visitors, World},
};

/// By which factor the throughput may differ. The costs are those at the most connections, and few connections
/// cost less; the model knows nothing of that.
const THROUGHPUT: f64 = 1.35;

/// By which factor the size of the batches may differ: it hangs on who gets a core when.
const BATCHES: f64 = 2.0;

fn published() -> (Results, Vec<Group>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let folder = published::shown(root).unwrap().unwrap();
    let results = Results::read(&folder).unwrap();
    let groups = summary::summarise(&results);
    (results, groups)
}

/// The steps that the model knows: the beginning of the name, the way of counting, and what it costs.
fn steps(measured: &Measured) -> [(&'static str, Counting, Costs); 3] {
    // POOL_SIZE of step 4.
    let pool = Counting::Pool {
        connections: 16,
        asks_first: true,
    };
    [
        ("step-2-", Counting::Pipe, measured.pipe),
        ("step-4-", pool, measured.pool),
        ("step-5-", Counting::Batch { wait: 0 }, measured.batch),
    ]
}

/// What wrk would have seen, which shares the machine.
fn load(
    results: &Results,
    measured: &Measured,
    connections: u32,
    step: (Counting, Costs),
) -> History {
    let (counting, costs) = step;
    simulate(&World {
        seed: 1,
        lasts: 1000 * MS,
        visitors: Visitors::Closed {
            connections: connections as usize,
        },
        counting,
        round_trip: LOOPBACK,
        machine: Machine {
            cores: measured.cores,
            slice: SLICE,
            load_threads: results.plan.threads as usize,
        },
        costs,
        faults: Faults::default(),
    })
}
const LOOPBACK: u64 = 20_000;

fn row(groups: &[Group], connections: u32, step: &str, metric: &str) -> Option<f64> {
    let mut groups = groups.iter();
    let group =
        groups.find(|group| group.connections == connections && group.load == Load::Capacity)?;
    let row = group.rows.iter().find(|row| row.name.starts_with(step))?;
    Some(row.estimates.get(metric)?.median)
}

#[test]
fn the_model_is_as_fast_as_the_steps_and_sends_as_many_commands() {
    let (results, groups) = published();
    let measured = costs(&results, &groups).unwrap();
    for group in groups.iter().filter(|group| group.load == Load::Capacity) {
        let connections = group.connections;
        for (name, counting, costs) in steps(&measured) {
            let history = load(&results, &measured, connections, (counting, costs));
            let visits = history.answered() as f64;
            let commands = history.commands() as f64 / history.counted() as f64;
            for (metric, modelled, bound) in [
                ("requests", visits, THROUGHPUT),
                ("commands", commands, BATCHES),
            ] {
                let seen = row(&groups, connections, name, metric).unwrap();
                let factor = (modelled / seen).max(seen / modelled);
                println!(
                    "{name} {connections} {metric}: model {modelled:.4}, measured {seen:.4}, factor {factor:.2}"
                );
                assert!(
                    factor <= bound,
                    "{name} at {connections} connections, {metric}: {modelled:.4} in the model, {seen:.4} measured"
                );
            }
        }
    }
}
