//! Measuring honestly: what two load generators record of the same freeze.

use super::{Control, Drawn, Figure, Guess, Kind, Measured, ms};
use crate::{
    history::{History, percentile},
    picture::{FIELD_END, FIELD_START, Picture, milliseconds},
    simulation::simulate,
    world::{Counting, Faults, MS, Nanos, Visitors, World},
};

/// How much time is shown, and when Redis stops.
const WINDOW: Nanos = 4000 * MS;
const STOPS: Nanos = 1000 * MS;

/// How long an answer takes at all other times.
const ANSWER: Nanos = 10 * MS;

/// About how many ghosts are drawn.
const GHOSTS: usize = 24;

/// How wide the largest dot is: a ghost, in `book/theme/book.css`.
const DOT: f64 = 6.0;

/// The fields of the two loads: top and bottom of each.
const CLOSED: (f64, f64) = (56.0, 166.0);
const OPEN: (f64, f64) = (206.0, 316.0);
const HEIGHT: f64 = 346.0;

pub const FIGURE: Figure = Figure {
    name: "loops",
    title: "One freeze, measured by a closed loop and by an open one",
    guess: Guess {
        question: "Redis stands still for one second of four. At all other times an answer takes 10 ms. A closed \
                   loop of 8 connections, each of which asks again when it is answered, measures all four seconds. \
                   Which p99 does it report?",
        answers: &[
            ("about 10 ms", 10.0),
            ("about 250 ms", 250.0),
            ("about 1000 ms", 1000.0),
        ],
    },
    controls: &[
        Control {
            label: "Redis stands still for",
            kind: Kind::Slide(&[0.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0], "ms"),
            first: 5,
        },
        Control {
            label: "connections",
            kind: Kind::Slide(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0], ""),
            first: 3,
        },
    ],
    plays_for: 8000,
    draw,
};

fn draw(measured: &Measured, settings: &[f64]) -> Drawn {
    let freeze = (STOPS, STOPS + ms(settings[0]));
    let connections = settings[1] as usize;
    let closed = Visitors::Closed { connections };
    // The plan of the open loop: as many as the closed one has while nothing stands still.
    let undisturbed = simulate(&world(measured, closed, (0, 0))).visits.len();
    let per_second = undisturbed as f64 * 1e9 / WINDOW as f64;
    let closed = simulate(&world(measured, closed, freeze));
    let open = simulate(&world(measured, Visitors::Planned { per_second }, freeze));
    let ghosts = ghosts(&closed, connections);
    let recorded = closed.waits();
    let answer = percentile(&recorded, 99.0) as f64 / 1e6;
    let slow = recorded.iter().filter(|wait| **wait > 5 * ANSWER).count();
    let because = format!(
        "{}: of {} requests only {slow} were under way when Redis stopped. The {} that the closed loop did not \
         send meanwhile are in no percentile; the open loop sends them, and says {}.",
        milliseconds(percentile(&recorded, 99.0)),
        recorded.len(),
        ghosts.len(),
        milliseconds(percentile(&open.waits(), 99.0))
    );
    Drawn {
        svg: picture(&closed, &ghosts, &open, freeze),
        window: WINDOW,
        events: events(freeze, connections),
        table: table(&closed, &ghosts, &open),
        answer,
        because,
    }
}

fn world(measured: &Measured, visitors: Visitors, (start, end): (Nanos, Nanos)) -> World {
    World {
        seed: 1,
        lasts: WINDOW,
        visitors,
        counting: Counting::Pipe,
        round_trip: ANSWER,
        machine: measured.machine(),
        costs: measured.pipe,
        faults: Faults {
            freeze: (end > start).then_some((start, end)),
            ..Faults::default()
        },
    }
}

/// A request that a connection would have sent, had it gone on at its pace: when, and how long it would have
/// waited.
type Ghost = (Nanos, Nanos);

/// What wrk adds to what it has recorded: behind each answer that took more than twice the pace of a connection,
/// one for each time that the connection would have asked meanwhile.
fn ghosts(history: &History, connections: usize) -> Vec<Ghost> {
    let each = (history.visits.len() / connections.max(1)).max(1) as u64;
    let pace = WINDOW / each;
    let mut ghosts = Vec::new();
    for visit in &history.visits {
        let wait = visit.wait().unwrap_or(0);
        let missed = if wait >= 2 * pace { wait / pace } else { 1 };
        ghosts.extend((1..missed).map(|time| (visit.came + time * pace, wait - time * pace)));
    }
    ghosts.sort_unstable();
    ghosts
}

fn events((start, end): (Nanos, Nanos), connections: usize) -> Vec<(Nanos, String)> {
    if end == start {
        return Vec::new();
    }
    let waiting =
        format!("Redis stands still, and the {connections} connections of the closed loop wait");
    vec![
        (start, waiting),
        (end, "Redis goes on, and answers all who waited".to_owned()),
    ]
}

fn table(closed: &History, ghosts: &[Ghost], open: &History) -> Vec<Vec<String>> {
    let recorded = closed.waits();
    let mut corrected: Vec<Nanos> = ghosts.iter().map(|(_, wait)| *wait).collect();
    corrected.extend(&recorded);
    corrected.sort_unstable();
    let all = [recorded, corrected, open.waits()];
    let heading = ["", "closed loop", "with its ghosts", "open loop"];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    let mut row = |name: &str, cell: &dyn Fn(&[Nanos]) -> String| {
        let cells = all.iter().map(|waits| cell(waits));
        table.push([name.to_owned()].into_iter().chain(cells).collect());
    };
    row("requests", &|waits| waits.len().to_string());
    for percent in [50.0, 90.0, 99.0] {
        row(&format!("p{percent}"), &|waits| {
            milliseconds(percentile(waits, percent))
        });
    }
    row("slowest", &|waits| milliseconds(percentile(waits, 100.0)));
    table
}

fn picture(closed: &History, ghosts: &[Ghost], open: &History, freeze: (Nanos, Nanos)) -> String {
    let mut picture = Picture::new(WINDOW);
    // Half of a second at least, so that a short freeze looks short.
    let longest = (freeze.1 - freeze.0 + ANSWER).max(500 * MS);
    picture.sample(4.0, 11.0, "request");
    picture.text(14.0, 16.0, "", "a request, when it was due");
    picture.sample(270.0, 11.0, "ghost");
    picture.text(280.0, 16.0, "", "a ghost, never sent");
    for ((top, bottom), name) in [(CLOSED, "closed loop"), (OPEN, "open loop")] {
        let (start, end) = (picture.x(freeze.0), picture.x(freeze.1));
        picture.rect((start, top), (end, bottom), "frozen");
        picture.text(0.0, top - 8.0, "name", name);
        picture.text(0.0, top + 14.0, "", &milliseconds(longest));
        picture.text(0.0, bottom, "", "0 ms");
        picture.line((FIELD_START, bottom), (FIELD_END, bottom), "ground", 1.0);
    }
    let place = |picture: &Picture, (top, bottom): (f64, f64), at: Nanos, wait: Nanos| {
        let share = wait.min(longest) as f64 / longest as f64;
        (picture.x(at), bottom - share * (bottom - top))
    };
    // Some of them, or they would be a line.
    let some = ghosts.iter().step_by(1 + ghosts.len() / GHOSTS);
    let ghosts = some.map(|(at, wait)| place(&picture, CLOSED, *at, *wait));
    let ghosts: Vec<(f64, f64)> = ghosts.collect();
    picture.dots(ghosts.iter().copied(), "ghost");
    picture.dots(ghosts, "ghost core");
    for (history, field) in [(closed, CLOSED), (open, OPEN)] {
        let visits = history.visits.iter();
        let dots =
            visits.map(|visit| place(&picture, field, visit.came, visit.wait().unwrap_or(0)));
        let dots: Vec<(f64, f64)> = dots.collect();
        picture.dots(dots, "request");
    }
    picture.axis(HEIGHT - 8.0, "s", 4);
    let description = format!(
        "Redis stands still for {}. Two fields show each request as a dot: from left to right when it was due, and the \
         higher, the longer it waited. In the closed loop the few requests that were under way waited for \
         all of it, and hollow dots show those that were never sent. In the open loop a slope of dots falls from the \
         longest wait to the shortest.",
        milliseconds(freeze.1 - freeze.0)
    );
    // The dots on its edges belong to the field.
    let field = (CLOSED.0 - DOT / 2.0, OPEN.1 + DOT / 2.0);
    picture.finish(HEIGHT, field, FIGURE.title, &description)
}
