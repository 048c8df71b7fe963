//! The method: what is measured when, and when it is enough, on a machine that is a list of figures.

#[allow(dead_code)]
mod fake;

use std::collections::BTreeSet;

use bench::results::{Load, Rate, Results};
use bench::summary::{Group, summarise};
use fake::{EVERYBODY, Fake, finish, plan, stop_when_asked};

const TWO: [&str; 2] = ["step-1-memory", "step-3-rocket"];

/// How many rounds each table has.
fn rounds(results: &Results) -> Vec<u32> {
    summarise(results)
        .iter()
        .map(|group| group.rounds)
        .collect()
}

/// The main ratio of a contestant, and whether its interval holds 1.
fn ratio(group: &Group, name: &str) -> (f64, Option<bool>) {
    let mut ratios = group.main_ratios();
    let (_, ratio) = ratios.find(|(row, _)| row.name == name).unwrap();
    (ratio.median, ratio.holds(1.0))
}

#[test]
fn a_round_measures_everybody_once_in_random_order_and_all_are_up() {
    let mut fake = Fake::default();
    let results = finish(plan(&EVERYBODY, Some(6), &[]), &mut fake);
    assert_eq!(
        fake.starts,
        [(64, 8), (1000, 8)],
        "they stay up throughout a table"
    );
    let orders: Vec<Vec<&str>> = fake
        .trials
        .chunks(8)
        .map(|round| {
            round
                .iter()
                .map(|trial| trial.contestant.as_str())
                .collect()
        })
        .collect();
    assert_eq!(orders.len(), 12);
    for order in &orders {
        let names: BTreeSet<_> = order.iter().collect();
        assert_eq!(names.len(), 8, "{order:?}");
    }
    let different: BTreeSet<_> = orders.iter().collect();
    assert!(different.len() > 10, "{orders:?}");
    let again = finish(plan(&EVERYBODY, Some(6), &[]), &mut Fake::default());
    assert_eq!(again, results, "the seed decides everything");
}

#[test]
fn it_ends_when_every_ratio_is_exact_and_not_before() {
    let mut quiet = Fake {
        noise: 0.02,
        ..Fake::default()
    };
    let results = finish(plan(&TWO, None, &[]), &mut quiet);
    for group in summarise(&results) {
        let widths = group.main_ratios().map(|(_, ratio)| ratio.width().unwrap());
        assert!(widths.max_by(f64::total_cmp).unwrap() <= 0.03);
        assert!((10..40).contains(&group.rounds), "{}", group.rounds);
    }
    let mut fake = Fake::default();
    assert_eq!(
        rounds(&finish(plan(&TWO, None, &[]), &mut fake)),
        [10, 10],
        "no round is enough alone"
    );
    assert_eq!(
        rounds(&finish(plan(&TWO, Some(3), &[]), &mut Fake::default())),
        [3, 3]
    );
}

#[test]
fn it_ends_when_the_time_is_up_and_what_one_table_leaves_the_next_may_use() {
    let mut noisy = Fake {
        noise: 0.9,
        ..Fake::default()
    };
    let results = finish(plan(&TWO, None, &[]), &mut noisy);
    // 600 s for two tables of rounds of 7.5 s each.
    assert_eq!(rounds(&results), [40, 40]);
    let text = bench::terminal(&results);
    assert!(text.contains("but the time was up"), "{text}");
    let mut late = plan(&TWO, None, &[]);
    late.plan.budget_s = 1;
    assert_eq!(
        rounds(&finish(late, &mut Fake::default())),
        [1, 1],
        "a budget is a promise"
    );
}

#[test]
fn three_percent_are_told_apart_and_a_contestant_is_not_told_from_itself() {
    let mut fake = Fake {
        noise: 0.06,
        ..Fake::default()
    };
    for group in summarise(&finish(plan(&TWO, Some(40), &[]), &mut fake)) {
        let (median, holds_1) = ratio(&group, "step-3-rocket");
        assert!(
            (0.95..0.99).contains(&median) && holds_1 == Some(false),
            "{median}"
        );
        assert_eq!(group.is_trusted(), Some(true), "{:?}", group.repetition());
    }
}

#[test]
fn a_method_that_tells_a_contestant_from_itself_is_not_trusted() {
    let mut biased = Fake {
        bias: 0.03,
        noise: 0.02,
        ..Fake::default()
    };
    let results = finish(plan(&TWO, Some(20), &[]), &mut biased);
    let groups = summarise(&results);
    assert!(groups.iter().all(|group| group.is_trusted() == Some(false)));
    let text = bench::terminal(&results);
    assert!(text.contains("do not trust these figures"), "{text}");
    let few = finish(plan(&TWO, Some(1), &[]), &mut biased);
    assert_eq!(
        summarise(&few)[0].is_trusted(),
        None,
        "one round proves nothing"
    );
}

#[test]
fn a_percentage_is_that_of_a_capacity_in_the_same_run() {
    let names = ["flask-gunicorn", "step-1-memory"];
    for (rate, expected) in [
        (Rate::PercentOfSlowest(50.0), 950.0 * 1.2),
        (Rate::PercentOfFastest(10.0), 10_000.0 * 1.2),
    ] {
        let results = finish(plan(&names, Some(3), &[rate]), &mut Fake::default());
        let groups = summarise(&results);
        let loads: Vec<Load> = groups.iter().map(|group| group.load).collect();
        let fixed = Load::FixedRate(expected);
        assert_eq!(
            loads,
            [Load::Capacity, Load::Capacity, fixed, fixed],
            "never in one table"
        );
        assert_eq!(
            groups[2].engine, "builtin",
            "wrk cannot send at a fixed rate"
        );
    }
    let results = finish(
        plan(&names, Some(3), &[Rate::PerSecond(500.0)]),
        &mut Fake::default(),
    );
    let mut rounds = results.rounds.iter();
    assert!(
        rounds.all(|round| round.load == Load::FixedRate(500.0)),
        "no capacity is needed"
    );
}

#[test]
fn a_stop_keeps_what_was_finished() {
    let mut fake = Fake::default();
    // Asked once before the start, then before and after each trial: this is during the fourth.
    let results = stop_when_asked(plan(&EVERYBODY, None, &[]), &mut fake, 8);
    assert_eq!(fake.trials.len(), 4);
    assert_eq!(
        results.rounds.len(),
        3,
        "the fourth was cut short and is no result"
    );
    // What was not measured yet has done nothing wrong.
    let rendered = bench::terminal(&results);
    assert!(rendered.contains("step-4-pooled"), "{rendered}");
    assert!(!rendered.contains("DISCARDED"), "{rendered}");
}

#[test]
fn a_contestant_that_dies_does_not_hold_up_the_others() {
    let mut fake = Fake {
        gone_after: Some(("step-2-redis", 2)),
        ..Fake::default()
    };
    let results = finish(plan(&EVERYBODY, Some(5), &[]), &mut fake);
    let rows = &summarise(&results)[0].rows;
    let valid: Vec<usize> = rows.iter().map(|row| row.valid).collect();
    assert_eq!(valid, [5, 5, 5, 2, 5, 4, 5, 5]);
    assert_eq!(fake.starts.len(), 2, "it may try again in the next table");
    let mut fake = Fake {
        gone_after: Some(("step-3-rocket", 2)),
        ..Fake::default()
    };
    let results = finish(plan(&TWO, None, &[]), &mut fake);
    assert_eq!(rounds(&results), [10, 10], "nor until the time is up");
    let mut fake = Fake {
        fails: Some("step-3-rocket"),
        ..Fake::default()
    };
    let results = finish(plan(&TWO, None, &[]), &mut fake);
    assert_eq!(
        rounds(&results),
        [10, 10],
        "one that never counts does not, either"
    );
    let mut alone = Fake {
        gone_after: Some(("step-1-memory", 1)),
        ..Fake::default()
    };
    let mut results = plan(&["step-1-memory"], None, &[]);
    results.contestants.truncate(1);
    assert_eq!(
        rounds(&finish(results, &mut alone)),
        [1, 1],
        "nobody is left"
    );
}

#[test]
fn a_disturbed_measurement_is_never_averaged_in() {
    let mut results = finish(plan(&EVERYBODY, Some(9), &[]), &mut Fake::default());
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
        }
    }
    assert!(summarise(&results) == before);
    let row = &before[0].rows[5];
    assert_eq!(
        (row.name.as_str(), row.valid, row.discarded),
        ("step-4-pooled", 7, 2)
    );
    let reason = "rounds 4, 8: other programs used more than 5 % of the processors";
    assert_eq!(row.reasons, [reason]);
}

#[test]
fn a_contestant_that_cannot_be_built_is_reported_and_not_run() {
    let mut plan = plan(&EVERYBODY, Some(1), &[]);
    plan.contestants[3].failure = Some("step-2-redis cannot be built".to_owned());
    let mut fake = Fake::default();
    let text = bench::terminal(&finish(plan, &mut fake));
    let mut trials = fake.trials.iter();
    assert!(trials.all(|trial| trial.contestant != "step-2-redis"));
    assert!(
        text.contains("DISCARDED step-2-redis: step-2-redis cannot be built"),
        "{text}"
    );
}
