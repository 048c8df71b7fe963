//! Steps 2 and 4: visitors who come together, over one connection that all share, and over a pool.

use super::{Control, Drawn, Figure, Guess, Kind, Measured, ms, plural, spread};
use crate::{
    history::{History, percentile},
    picture::{Picture, milliseconds, number},
    simulation::simulate,
    world::{Costs, Counting, Faults, MS, Nanos, Visitors, World},
};

/// How long visitors who come again at once are watched.
const WATCHED: Nanos = 200 * MS;

/// The fields of the two: top and bottom of each.
const PIPE: (f64, f64) = (58.0, 158.0);
const POOL: (f64, f64) = (194.0, 294.0);
const HEIGHT: f64 = 324.0;

/// Whether a connection is tried before it is lent.
const ASKS: [&str; 2] = ["asks first", "does not ask"];

pub const FIGURE: Figure = Figure {
    name: "pools",
    title: "Visitors who come together: one shared connection, and a pool",
    guess: Guess {
        question: "16 visitors come in the same moment, and Redis is 1 ms away, there and back. A pool of 4 connections \
                   lends each visit one of its own, and asks over it first whether Redis is there. When has the last \
                   visitor an answer?",
        answers: &[
            ("after 1 ms", 1.0),
            ("after 2 ms", 2.0),
            ("after 4 ms", 4.0),
            ("after 8 ms", 8.0),
        ],
    },
    controls: &[
        Control {
            label: "the pool",
            kind: Kind::Choice(&ASKS),
            first: 0,
        },
        Control {
            label: "connections of the pool",
            kind: Kind::Slide(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0], ""),
            first: 2,
        },
        Control {
            label: "visitors at once",
            kind: Kind::Slide(&[1.0, 4.0, 16.0, 64.0], ""),
            first: 2,
        },
        Control {
            label: "round trip",
            kind: Kind::Slide(&[0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0], "ms"),
            first: 4,
        },
    ],
    plays_for: 8000,
    draw,
};

fn draw(measured: &Measured, settings: &[f64]) -> Drawn {
    let pool = Counting::Pool {
        connections: settings[1] as usize,
        asks_first: settings[0] < 0.5,
    };
    let visits = settings[2] as usize;
    let ways = [(Counting::Pipe, measured.pipe), (pool, measured.pool)];
    let world = |(counting, costs): (Counting, Costs), visitors| World {
        seed: 1,
        lasts: WATCHED,
        visitors,
        counting,
        round_trip: ms(settings[3]),
        machine: measured.machine(),
        costs,
        faults: Faults::default(),
    };
    let together = ways.map(|way| simulate(&world(way, Visitors::Together { visits })));
    let again = Visitors::Closed {
        connections: visits,
    };
    let again = ways.map(|way| simulate(&world(way, again)));
    let ends = together
        .each_ref()
        .map(|history| percentile(&history.waits(), 100.0));
    let because = format!(
        "{} over the pool, {} over the shared connection. A visit of the pool takes {}, and those without a \
         connection wait for one.",
        milliseconds(ends[1]),
        milliseconds(ends[0]),
        match settings[0] < 0.5 {
            true => "two round trips, one to ask and one to count",
            false => "one round trip",
        }
    );
    let window = nice(ends[0].max(ends[1]));
    Drawn {
        svg: picture(&together, window, ends),
        window,
        events: events(&together, window),
        table: table(&together, &again),
        answer: ends[1] as f64 / 1e6,
        because,
    }
}

/// The next length of time that is round.
fn nice(time: Nanos) -> Nanos {
    let powers = (0..19).map(|power| 10_u64.pow(power));
    let mut steps = powers.flat_map(|power| [power, 2 * power, 5 * power]);
    steps.find(|step| *step > time).unwrap_or(time)
}

fn events(together: &[History; 2], window: Nanos) -> Vec<(Nanos, String)> {
    let mut events = Vec::new();
    for (history, name) in together.iter().zip(["shared connection", "pool"]) {
        let visits = history.visits.iter().enumerate();
        let told = visits.filter_map(|(number, visit)| {
            let what = format!("{name}: {} answered", plural(number + 1, "visitor"));
            Some((visit.answered?, what))
        });
        events.extend(told);
    }
    spread(events, window)
}

fn table(together: &[History; 2], again: &[History; 2]) -> Vec<Vec<String>> {
    let heading = ["", "shared connection", "pool"];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    let mut row = |name: &str, cells: [String; 2]| {
        table.push([name.to_owned()].into_iter().chain(cells).collect());
    };
    let wait =
        |percent| move |history: &History| milliseconds(percentile(&history.waits(), percent));
    row("median wait", together.each_ref().map(wait(50.0)));
    row("longest wait", together.each_ref().map(wait(100.0)));
    row(
        "commands a visit",
        together
            .each_ref()
            .map(|history| number(history.commands() as f64 / history.counted().max(1) as f64)),
    );
    row(
        "visits a second, if all come again at once",
        again.each_ref().map(|history| {
            let visits = history.visits.iter();
            let in_time = visits.filter(|visit| visit.answered.is_some_and(|at| at <= WATCHED));
            let per_second = in_time.count() as f64 * 1e9 / WATCHED as f64;
            number((per_second / 100.0).round() * 100.0)
        }),
    );
    table
}

fn picture(together: &[History; 2], window: Nanos, ends: [Nanos; 2]) -> String {
    let mut picture = Picture::new(window);
    picture.key(0.0, 16.0, "waits", "waits for a connection");
    picture.key(226.0, 16.0, "asks", "asks first");
    picture.key(352.0, 16.0, "under-way", "is being counted");
    let names = ["shared connection", "pool"];
    for ((history, field), name) in together.iter().zip([PIPE, POOL]).zip(names) {
        picture.text(0.0, field.0 - 8.0, "name", name);
        draw_visits(&mut picture, history, field);
    }
    picture.axis(HEIGHT - 8.0, "ms", 4);
    let description = format!(
        "{} come in the same moment; each is a line from then to its answer. Over one connection that all share, the \
         last has its answer after {}. Over a pool, each waits for a connection of its own, and the last has its \
         answer after {}.",
        plural(together[0].visits.len(), "visitor"),
        milliseconds(ends[0]),
        milliseconds(ends[1])
    );
    picture.finish(HEIGHT, (PIPE.0, POOL.1), FIGURE.title, &description)
}

fn draw_visits(picture: &mut Picture, history: &History, (top, bottom): (f64, f64)) {
    let row = (bottom - top) / history.visits.len().max(1) as f64;
    let width = (row * 0.7).clamp(0.8, 5.0);
    for (number, visit) in history.visits.iter().enumerate() {
        let y = top + (number as f64 + 0.5) * row.min(12.0);
        let mut questions = history.packets.iter();
        let asked = questions.find(|packet| packet.asks_for == Some(number));
        let sent = visit.packet.map(|packet| history.packets[packet].sent);
        let end = visit.answered.unwrap_or(visit.came);
        let sent = sent.unwrap_or(end);
        let asked = asked.map_or(sent, |packet| packet.sent);
        let mut part = |from: Nanos, to: Nanos, class: &str| {
            if to > from {
                let (from, to) = (picture.x(from), picture.x(to));
                picture.line((from, y), (to, y), class, width);
            }
        };
        part(visit.came, asked, "waits");
        part(asked, sent, "asks");
        part(sent, end, "under-way");
    }
}
