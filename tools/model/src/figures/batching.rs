//! Step 5: how many commands it takes to count visits, and how long they wait, by how the service counts.

use super::{Control, Drawn, Figure, Guess, Kind, Measured, moment, ms, plural, spread};
use crate::{
    history::{History, Packet, Visit, percentile},
    picture::{FIELD_END, FIELD_START, Picture, milliseconds, number},
    simulation::simulate,
    world::{Counting, Faults, MS, Nanos, Visitors, World},
};

/// How much time is shown.
const WINDOW: Nanos = 20 * MS;

/// How long the service waits for a reply here. The steps wait for longer than the picture.
const TIMEOUT: Nanos = 6 * MS;

/// How long the timer waits.
const TIMER: Nanos = 2 * MS;

/// The same visitors come every time.
const SEED: u64 = 5;

/// The ways of counting, and which of them is shown at first.
const WAYS: [&str; 4] = ["one by one", "pipe", "batch", "batch with a timer"];
const BATCH: usize = 2;

/// The height of the lines of the visits, of the wire, and of all.
const VISITS: (f64, f64) = (36.0, 236.0);
const WIRE: (f64, f64) = (262.0, 322.0);
const HEIGHT: f64 = 352.0;

pub const FIGURE: Figure = Figure {
    name: "batching",
    title: "How many commands count the visits, and how long each visit waits",
    guess: Guess {
        question: "40 visitors come within 20 ms, each at a moment of their own. Redis is 2 ms away, there and \
                   back. One command is under way at a time, and counts all who wait when it is sent. How many \
                   commands does it take?",
        answers: &[
            ("40, one each", 40.0),
            ("20", 20.0),
            ("about 10", 10.0),
            ("1", 1.0),
        ],
    },
    controls: &[
        Control {
            label: "the service counts",
            kind: Kind::Choice(&WAYS),
            first: BATCH,
        },
        Control {
            label: "visits a second",
            kind: Kind::Slide(
                &[
                    100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0,
                ],
                "",
            ),
            first: 4,
        },
        Control {
            label: "round trip",
            kind: Kind::Slide(&[0.1, 0.2, 0.5, 1.0, 2.0, 5.0], "ms"),
            first: 4,
        },
        Control {
            label: "drop in a visitor",
            kind: Kind::Moment,
            first: 0,
        },
        Control {
            label: "lose a reply",
            kind: Kind::Moment,
            first: 0,
        },
    ],
    plays_for: 12_000,
    draw,
};

fn draw(measured: &Measured, settings: &[f64]) -> Drawn {
    let worlds = [0, 1, 2, 3].map(|way| world(measured, settings, way));
    let histories = worlds.each_ref().map(simulate);
    let way = (settings[0] as usize).min(WAYS.len() - 1);
    let (world, history) = (&worlds[way], &histories[way]);
    let dropped = world.faults.drop_in.and_then(|moment| {
        let mut visits = history.visits.iter();
        visits.position(|visit| visit.came == moment)
    });
    let (answer, because) = because(history);
    Drawn {
        svg: picture(world, history, way, dropped),
        window: WINDOW,
        events: events(history, dropped),
        table: table(&histories, dropped),
        answer,
        because,
    }
}

fn world(measured: &Measured, settings: &[f64], way: usize) -> World {
    let (counting, costs) = match way {
        // A connection that is used for one visit at a time: a pool of one that asks nothing.
        0 => {
            let alone = Counting::Pool {
                connections: 1,
                asks_first: false,
            };
            (alone, measured.pipe)
        }
        1 => (Counting::Pipe, measured.pipe),
        2 => (Counting::Batch { wait: 0 }, measured.batch),
        _ => (Counting::Batch { wait: TIMER }, measured.batch),
    };
    World {
        seed: SEED,
        lasts: WINDOW,
        visitors: Visitors::Random {
            per_second: settings[1],
        },
        counting,
        round_trip: ms(settings[2]),
        machine: measured.machine(),
        costs,
        faults: Faults {
            drop_in: moment(settings[3]),
            lost_reply: moment(settings[4]),
            timeout: TIMEOUT,
            ..Faults::default()
        },
    }
}

/// How many commands it took, and why.
fn because(history: &History) -> (f64, String) {
    let commands = history.commands();
    let sizes = history.packets.iter().map(|packet| packet.visits.len());
    let largest = sizes.max().unwrap_or(0);
    let because = format!(
        "{} for {}. While one is under way, the next visitors gather; the largest counts {largest}. \
         Nobody waits for a timer.",
        plural(commands, "command"),
        plural(history.counted(), "visit")
    );
    (commands as f64, because)
}

/// What came of each way.
fn table(histories: &[History; 4], dropped: Option<usize>) -> Vec<Vec<String>> {
    let heading = ["for these visits"]
        .into_iter()
        .chain(WAYS)
        .map(str::to_owned);
    let mut table = vec![heading.collect()];
    let mut row = |name: &str, cell: &dyn Fn(&History) -> String| {
        let cells = histories.iter().map(cell);
        table.push([name.to_owned()].into_iter().chain(cells).collect());
    };
    row("commands", &|history| history.commands().to_string());
    row("visits a command", &|history| {
        number(history.counted() as f64 / history.commands().max(1) as f64)
    });
    row("median wait", &|history| {
        milliseconds(percentile(&history.waits(), 50.0))
    });
    row("longest wait", &|history| {
        milliseconds(percentile(&history.waits(), 100.0))
    });
    row("refused", &|history| {
        (history.visits.len() - history.answered()).to_string()
    });
    row("numbers that nobody got", &|history| {
        (history.counted() - history.answered()).to_string()
    });
    if dropped.is_some() {
        row("your visitor", &|history| {
            let mine = dropped.and_then(|visit| history.visits.get(visit));
            mine.map_or_else(String::new, fate)
        });
    }
    table
}

/// What a visitor has got, and when.
fn fate(visit: &Visit) -> String {
    let waited = milliseconds(visit.wait().unwrap_or(0));
    match visit.number {
        Some(number) => format!("number {number} after {waited}"),
        None => format!("refused after {waited}"),
    }
}

fn events(history: &History, dropped: Option<usize>) -> Vec<(Nanos, String)> {
    let mut events = Vec::new();
    for packet in &history.packets {
        let size = packet.visits.len();
        events.push((
            packet.sent,
            format!("{} sent in a command", plural(size, "visit")),
        ));
        let first = packet.count + 1 - size as u64;
        match packet.replied {
            Some(at) if size == 1 => events.push((at, format!("number {first} is given"))),
            Some(at) => events.push((at, format!("numbers {first} to {} are given", packet.count))),
            None => events.push((
                packet.sent + TIMEOUT,
                format!(
                    "no reply: {} refused, and nothing is sent again",
                    plural(size, "visit")
                ),
            )),
        }
    }
    let mut events = spread(events, WINDOW);
    if let Some(visit) = dropped.map(|visit| &history.visits[visit]) {
        events.push((visit.came, "your visitor comes".to_owned()));
        let answered = visit.answered.unwrap_or(visit.came);
        events.push((answered, format!("your visitor: {}", fate(visit))));
        events.sort_by_key(|(at, _)| *at);
    }
    events
}

fn picture(world: &World, history: &History, way: usize, dropped: Option<usize>) -> String {
    let mut picture = Picture::new(WINDOW);
    picture.key(0.0, 16.0, "waits", "waits in the service");
    picture.key(212.0, 16.0, "under-way", "is being counted");
    picture.key(400.0, 16.0, "refused", "refused");
    picture.text(0.0, VISITS.0 + 16.0, "", "visits");
    let rows = history.visits.len().max(1) as f64;
    let row = ((VISITS.1 - VISITS.0) / rows).min(12.0);
    for (number, visit) in history.visits.iter().enumerate() {
        let y = VISITS.0 + (number as f64 + 0.5) * row;
        draw_visit(&mut picture, history, visit, y, row);
        if dropped == Some(number) {
            draw_dropped(&mut picture, visit, y);
        }
    }
    picture.text(0.0, WIRE.0 + 5.0, "", "service");
    picture.text(0.0, WIRE.1 + 5.0, "", "Redis");
    for y in [WIRE.0, WIRE.1] {
        picture.line((FIELD_START, y), (FIELD_END, y), "ground", 1.0);
    }
    let mut free_from = 0.0;
    for packet in &history.packets {
        draw_packet(&mut picture, packet, world.round_trip);
        let (x, size) = (picture.x(packet.sent), packet.visits.len());
        if picture.shows(packet.sent) && size > 1 && x >= free_from {
            picture.text(x, WIRE.0 - 6.0, "", &size.to_string());
            free_from = x + 22.0;
        }
    }
    picture.axis(HEIGHT - 8.0, "ms", 4);
    let waits = history.waits();
    let description = format!(
        "{} in {} ms, counted in the way {:?}, with a round trip of {}. Each visit is a line from the moment in which \
         it comes to its answer. {} count them, and the median of their waits is {}, the longest {}.",
        plural(history.visits.len(), "visit"),
        WINDOW / MS,
        WAYS[way],
        milliseconds(world.round_trip),
        plural(history.commands(), "command"),
        milliseconds(percentile(&waits, 50.0)),
        milliseconds(percentile(&waits, 100.0)),
    );
    picture.finish(HEIGHT, (VISITS.0, WIRE.1 + 8.0), FIGURE.title, &description)
}

/// A line from the moment in which the visit comes to its answer.
fn draw_visit(picture: &mut Picture, history: &History, visit: &Visit, y: f64, row: f64) {
    let sent = visit.packet.map(|packet| history.packets[packet].sent);
    let end = visit.answered.unwrap_or(WINDOW);
    let sent = sent.unwrap_or(end);
    let width = (row * 0.7).clamp(0.8, 5.0);
    let [came, sent, end] = [visit.came, sent, end].map(|at| picture.x(at));
    let is_refused = visit.answered.is_some() && visit.number.is_none();
    let class = if is_refused { "refused" } else { "under-way" };
    if sent > came {
        picture.line((came, y), (sent, y), "waits", width);
    }
    if end > sent {
        picture.line((sent, y), (end, y), class, width);
    }
}

/// Around the visitor whom the reader has sent.
fn draw_dropped(picture: &mut Picture, visit: &Visit, y: f64) {
    let (came, end) = (
        picture.x(visit.came),
        picture.x(visit.answered.unwrap_or(WINDOW)),
    );
    picture.rect((came - 4.0, y - 6.0), (end + 4.0, y + 6.0), "mine");
    let x = if end + 90.0 > FIELD_END {
        came - 92.0
    } else {
        end + 10.0
    };
    picture.text(x, y + 5.0, "name", "your visitor");
}

/// From the service to Redis and back. The thicker the line, the more visits it counts.
fn draw_packet(picture: &mut Picture, packet: &Packet, round_trip: Nanos) {
    let width = (packet.visits.len() as f64).sqrt().clamp(1.0, 8.0);
    let (top, bottom) = WIRE;
    let mut way = |from: (Nanos, f64), to: (Nanos, f64), class: &str| {
        if picture.shows(to.0) {
            let (start, end) = (picture.x(from.0), picture.x(to.0));
            picture.line((start, from.1), (end, to.1), class, width);
        }
    };
    way(
        (packet.sent, top),
        (packet.sent + round_trip / 2, bottom),
        "command",
    );
    let Some(executed) = packet.executed else {
        return;
    };
    match packet.replied {
        Some(_) => way(
            (executed, bottom),
            (executed + round_trip / 2, top),
            "reply",
        ),
        None => {
            let lost = (executed + round_trip / 4, (top + bottom) / 2.0);
            way((executed, bottom), lost, "refused");
            let x = picture.x(lost.0);
            picture.text(x - 4.0, lost.1 - 6.0, "lost", "lost");
        }
    }
}
