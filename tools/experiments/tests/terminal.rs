//! What the terminal shows of a recording, and that the catalog is in order.

use std::collections::HashSet;

use contract::CAPABILITIES;
use experiments::{
    Column, Contract, Defect, Event, Lane, Ledger, Recording, Remedy, Sample, Series, Verdict,
    catalog::{self, EXPERIMENTS},
    draw, verdict,
};

/// A second of ten samples: what came in each.
fn series(ends: [[u32; 4]; 10]) -> Series {
    let mut series = Series::default();
    for ends in ends {
        series.push(Sample {
            ends,
            in_flight: 3,
            p50_p99: Some((1.5, 20.0)),
            commands: Some(9),
        });
    }
    series
}

fn event(at: u64, lane: Lane, what: &str, is_well: Option<bool>, is_loss: bool) -> Event {
    let what = what.to_owned();
    Event {
        at,
        lane,
        what,
        is_well,
        is_loss,
    }
}

fn recording() -> Recording {
    let ok = [40, 0, 0, 0];
    let dead = [0, 0, 12, 0];
    let events = vec![
        event(300, Lane::Redis, "kill Redis", Some(false), false),
        event(350, Lane::Wire, "reply lost", None, true),
        event(500, Lane::Redis, "start Redis", Some(true), false),
    ];
    let column = |name: &str, series, verdict| Column {
        name: name.to_owned(),
        series,
        events: events.clone(),
        ledger: Ledger::default(),
        verdict,
    };
    let lines = [
        "40 answered <1>",
        "It stays dead.",
        "step-4-pooled (`heals`)",
    ];
    Recording {
        version: 1,
        experiment: "kill-redis".into(),
        question: "What now?".into(),
        seed: 7,
        redis: "redis-server 7".into(),
        lasts: 1000,
        columns: vec![
            column(
                "step-2-redis",
                series([
                    ok,
                    ok,
                    [10, 0, 0, 0],
                    [0, 0, 0, 5],
                    dead,
                    dead,
                    dead,
                    dead,
                    dead,
                    dead,
                ]),
                Verdict {
                    defects: vec![Defect::StaysDead],
                    lines: lines.map(str::to_owned),
                    surprises: Vec::new(),
                },
            ),
            column(
                "step-4-pooled",
                series([
                    ok,
                    ok,
                    ok,
                    [1, 30, 0, 0],
                    [0, 30, 0, 0],
                    ok,
                    ok,
                    ok,
                    ok,
                    [0; 4],
                ]),
                Verdict {
                    defects: Vec::new(),
                    lines: lines.map(str::to_owned),
                    surprises: vec!["`cuts` showed, which no step may".into()],
                },
            ),
        ],
    }
}

#[test]
fn a_recording_is_shown_with_its_verdict() {
    let text = verdict(&recording(), Some("it heals"));
    let plain = anstream::adapter::strip_str(&text).to_string();
    insta::assert_snapshot!(plain);
}

#[test]
fn a_recording_is_drawn_with_words_for_who_cannot_see_it() {
    let svg = draw(&recording());
    for part in [
        "<title>kill-redis: What now?</title>",
        "step-2-redis: 40 answered &lt;1&gt;. It stays dead.",
        "class=\"lost\"",
        "class=\"ill\"",
        "class=\"refused\"",
        "class=\"silent\"",
    ] {
        assert!(svg.contains(part), "{part} is not in\n{svg}");
    }
}

#[test]
fn every_experiment_can_show_what_it_asks() {
    let names: HashSet<&str> = EXPERIMENTS.iter().map(|one| one.name).collect();
    assert_eq!(names.len(), EXPERIMENTS.len(), "two have the same name");
    let known = |id: &str| CAPABILITIES.iter().any(|capability| capability.id == id);
    for experiment in EXPERIMENTS {
        let name = experiment.name;
        assert!(experiment.question.ends_with('?'), "{name}");
        assert!(experiment.script.is_sorted_by_key(|(at, _)| at), "{name}");
        // Two seconds to heal, and one to look whether numbers come.
        let last = experiment.script.last().map_or(0, |(at, _)| *at);
        assert!(last + 3000 <= experiment.lasts, "{name} ends too early");
        assert!(
            !experiment.variants.is_empty() && !experiment.steps.is_empty(),
            "{name}"
        );
        for rule in experiment.variants.iter().flat_map(|variant| variant.rules) {
            if let Remedy::Capability(id) = rule.remedy {
                assert!(known(id), "{name}: there is no capability {id}");
            }
        }
    }
}

/// The steps of [`recording`], with nothing in the ledger that `kill-redis` could find fault with.
fn judged(answered_at_last: [u64; 2]) -> Recording {
    let mut recording = recording();
    for (column, answered_at_last) in recording.columns.iter_mut().zip(answered_at_last) {
        column.ledger.answered_at_last = answered_at_last;
    }
    recording.judge(catalog::find("kill-redis").unwrap(), &Contract(Vec::new()));
    recording
}

#[test]
fn a_recording_is_judged_anew_by_its_ledger() {
    let recording = judged([0, 9]);
    let [two, four] = &recording.columns[..] else {
        panic!("{recording:?}");
    };
    assert_eq!(two.verdict.defects, [Defect::StaysDead]);
    assert_eq!(four.verdict.defects, []);
    // A contract that says nothing of a step expects everything of it.
    assert_eq!(two.verdict.surprises.len(), 1, "{:?}", two.verdict);
}

#[test]
fn recordings_differ_by_their_verdicts_and_not_by_numbers_or_by_luck() {
    let experiment = catalog::find("kill-redis").unwrap();
    let recorded = judged([9, 9]);
    let mut other = judged([7, 8]);
    assert_eq!(recorded.differences(experiment, &other), [""; 0]);
    // Any step that does not refuse may show this on a busy machine; here it is certain.
    other.columns[0].verdict.defects = vec![Defect::Dishonest];
    let differences = recorded.differences(experiment, &other);
    assert_eq!(differences, ["step-2-redis: `dishonest` shows now"]);
    let differences = other.differences(experiment, &recorded);
    assert_eq!(differences, ["step-2-redis: `dishonest` shows no more"]);
    let burst = catalog::find("burst").unwrap();
    assert_eq!(recorded.differences(burst, &other), [""; 0]);
    // What no step may show is told each time.
    other.columns[0].verdict.surprises = vec!["`cuts` showed".to_owned()];
    let differences = other.differences(experiment, &other);
    assert_eq!(differences, ["step-2-redis: `cuts` showed"]);
}

#[test]
fn a_recording_belongs_to_the_experiment_as_it_is() {
    let experiment = catalog::find("kill-redis").unwrap();
    let mut recording = recording();
    let steps = || ["step-2-redis", "step-4-pooled"].into_iter();
    recording.question = experiment.question.to_owned();
    recording.lasts = experiment.lasts;
    assert!(recording.is_of(experiment, steps()));
    assert!(!recording.is_of(experiment, steps().take(1)));
    assert!(!recording.is_of(catalog::find("garble").unwrap(), steps()));
    recording.columns[1].events.remove(0);
    assert!(!recording.is_of(experiment, steps()));
}
