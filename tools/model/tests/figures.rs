//! What the figures of the book say, whatever a reader changes in them.

use std::collections::BTreeSet;

use model::{
    exports::{seen_byte, seen_draw, seen_take},
    figures::{Drawn, FIGURES, Figure, Kind, Measured},
    history::{History, percentile},
    simulation::simulate,
    world::{Costs, Counting, Faults, MS, Machine, Replica, Visitors, World},
};

/// Costs as they were once measured, in nanoseconds.
const MEASURED: Measured = Measured {
    cores: 2,
    pipe: costs(21_600, 1_010),
    pool: costs(48_600, 10_100),
    batch: costs(15_900, 32_000),
};

const fn costs(server: u64, redis_packet: u64) -> Costs {
    Costs {
        load: 0,
        server,
        redis_packet,
    }
}

/// Many visitors who come by chance.
fn world(counting: Counting, faults: Faults) -> World {
    World {
        seed: 7,
        lasts: 50 * MS,
        visitors: Visitors::Random { per_second: 5000.0 },
        counting,
        round_trip: 2 * MS,
        machine: Machine {
            cores: 2,
            slice: MS,
            load_threads: 0,
        },
        costs: MEASURED.batch,
        faults,
    }
}

const BATCH: Counting = Counting::Batch { wait: 0 };

/// All ways of counting.
const WAYS: [Counting; 5] = [
    Counting::Pipe,
    Counting::Pool {
        connections: 4,
        asks_first: true,
    },
    Counting::Pool {
        connections: 1,
        asks_first: false,
    },
    BATCH,
    Counting::Batch { wait: MS },
];

fn numbers(history: &History) -> Vec<u64> {
    let mut numbers: Vec<u64> = history
        .visits
        .iter()
        .filter_map(|visit| visit.number)
        .collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_visit_has_a_number_of_its_own_and_none_is_skipped() {
    for way in WAYS {
        let history = simulate(&world(way, Faults::default()));
        assert_eq!(numbers(&history), (1..=250).collect::<Vec<_>>(), "{way:?}");
    }
}

#[test]
fn one_batch_is_under_way_at_a_time_and_takes_all_who_wait() {
    let history = simulate(&world(BATCH, Faults::default()));
    for pair in history.packets.windows(2) {
        assert!(pair[0].replied.unwrap() <= pair[1].sent);
    }
    let largest = history
        .packets
        .iter()
        .map(|packet| packet.visits.len())
        .max();
    assert!(largest > Some(5), "{largest:?}");
    let pipe = simulate(&world(Counting::Pipe, Faults::default()));
    assert_eq!(pipe.commands(), 250);
}

#[test]
fn what_a_lost_reply_counted_is_refused_and_never_sent_again() {
    for way in WAYS {
        let faults = Faults {
            lost_reply: Some(20 * MS),
            timeout: 6 * MS,
            ..Faults::default()
        };
        let history = simulate(&world(way, faults));
        let lost = history
            .packets
            .iter()
            .filter(|packet| packet.replied.is_none());
        let lost: Vec<_> = lost.collect();
        assert_eq!(lost.len(), 1, "{way:?}");
        let refused = history.visits.len() - history.answered();
        let lost_visits = lost[0].visits.len() + lost[0].asks_for.iter().count();
        assert_eq!(refused, lost_visits, "{way:?}");
        let numbers = numbers(&history);
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        assert!(history.visits.iter().all(|visit| visit.answered.is_some()));
    }
}

#[test]
fn an_open_loop_sees_the_freeze_that_a_closed_one_does_not() {
    let waits = |visitors| {
        let faults = Faults {
            freeze: Some((100 * MS, 200 * MS)),
            ..Faults::default()
        };
        let world = World {
            lasts: 400 * MS,
            visitors,
            round_trip: MS,
            ..world(Counting::Pipe, faults)
        };
        simulate(&world).waits()
    };
    let closed = waits(Visitors::Closed { connections: 2 });
    let open = waits(Visitors::Planned { per_second: 2000.0 });
    assert!(percentile(&closed, 99.0) < 2 * MS);
    assert!(percentile(&closed, 100.0) > 90 * MS);
    assert!(percentile(&open, 99.0) > 90 * MS);
    // A quarter of the time, and half of the freeze on average.
    assert!((45 * MS..55 * MS).contains(&percentile(&open, 87.5)));
}

#[test]
fn a_replica_that_is_waited_for_gives_no_number_twice() {
    let twice = |lag, is_waited_for| {
        let replica = Replica {
            lag,
            is_waited_for,
            primary_dies: 20 * MS,
            takes_over: 30 * MS,
        };
        let faults = Faults {
            replica: Some(replica),
            ..Faults::default()
        };
        let numbers = numbers(&simulate(&world(Counting::Pipe, faults)));
        numbers.len() - numbers.iter().collect::<BTreeSet<_>>().len()
    };
    for lag in [MS, 3 * MS, 9 * MS] {
        // As many as come while the replica is behind; chance may add and take some.
        let expected = 5 * usize::try_from(lag / MS).unwrap();
        let seen = twice(lag, false);
        assert!(
            seen > expected / 3 && seen < 3 * expected,
            "{seen} at {lag}"
        );
        assert_eq!(twice(lag, true), 0);
    }
}

/// All settings that a reader can choose, and some moments.
fn all_settings(figure: &Figure) -> Vec<Vec<f64>> {
    let mut all = vec![Vec::new()];
    for control in figure.controls {
        let values: Vec<f64> = match control.kind {
            Kind::Slide(values, _) => values.to_vec(),
            Kind::Choice(names) => (0..names.len()).map(|place| place as f64).collect(),
            Kind::Moment => vec![-1.0, 7e6],
        };
        let longer = |settings: &Vec<f64>| {
            let settings = settings.clone();
            values
                .iter()
                .map(move |value| [&settings[..], &[*value]].concat())
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

#[test]
fn every_setting_gives_a_picture() {
    for figure in &FIGURES {
        let all = all_settings(figure);
        // A part of them: neighbours are alike.
        for settings in all.iter().step_by(if all.len() > 200 { 29 } else { 1 }) {
            let Drawn {
                svg,
                table,
                events,
                window,
                ..
            } = figure.draw(&MEASURED, settings);
            let place = format!("{} {settings:?}", figure.name);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{place}");
            assert!(
                svg.contains("<desc>") && svg.ends_with("</svg>\n"),
                "{place}"
            );
            let columns = table[0].len();
            assert!(table.iter().all(|row| row.len() == columns), "{place}");
            assert!(
                events.is_sorted_by_key(|(at, _)| *at),
                "{place}: {events:?}"
            );
            assert!(window > 0, "{place}");
        }
    }
}

#[test]
fn what_is_right_to_guess_is_among_the_answers() {
    for figure in &FIGURES {
        let answer = figure.draw(&MEASURED, &[]).answer;
        let mut answers = figure.guess.answers.iter();
        let ratio = |value: f64| ((value + 0.5) / (answer + 0.5)).ln().abs();
        assert!(
            answers.any(|(_, value)| ratio(*value) < 0.35),
            "{}: {answer}",
            figure.name
        );
    }
}

#[test]
fn a_page_gets_byte_by_byte_what_the_book_gets() {
    for (place, figure) in (0..).zip(&FIGURES) {
        let settings = figure.settings();
        MEASURED
            .numbers()
            .into_iter()
            .chain(settings.clone())
            .for_each(|number| seen_take(number));
        let length = seen_draw(place);
        let bytes = (0..length).map(|at| u8::try_from(seen_byte(at)).unwrap());
        let text = String::from_utf8(bytes.collect()).unwrap();
        assert_eq!(text, figure.draw(&MEASURED, &[]).json());
        assert!(!text.contains('<'), "a page could take it for its end");
    }
    assert_eq!(seen_draw(99), 0);
    assert_eq!(seen_byte(0), 0);
}
