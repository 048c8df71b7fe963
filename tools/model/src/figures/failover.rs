//! Past one machine: which numbers are given twice when a primary dies before its replica has heard of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Control, Drawn, Figure, Guess, Kind, Measured, ms};
use crate::{
    history::{History, Packet, percentile},
    picture::{FIELD_END, FIELD_START, Picture, milliseconds},
    simulation::simulate,
    world::{Counting, Faults, MS, Nanos, Replica, Visitors, World},
};

/// How much time is shown.
const WINDOW: Nanos = 40 * MS;

/// How long nobody counts after the primary has died. A cluster needs seconds for it.
const OUTAGE: Nanos = 8 * MS;

/// How many visitors come in a second: so many that their numbers can be read.
const PER_SECOND: f64 = 500.0;

/// The lines of the old primary, of the replica, and of the visitors.
const PRIMARY: f64 = 70.0;
const REPLICA: f64 = 140.0;
const VISITORS: f64 = 210.0;
const HEIGHT: f64 = 256.0;

/// When the primary replies.
const WAYS: [&str; 2] = ["at once", "after WAIT 1"];

pub const FIGURE: Figure = Figure {
    name: "failover",
    title: "What a replica knows when its primary dies",
    guess: Guess {
        question: "A visitor comes every 2 ms. What the primary counts, its replica knows 5 ms later. The primary replies \
                   at once, then it dies, and the replica goes on counting in its place. How many numbers are given \
                   twice?",
        answers: &[("none", 0.0), ("2 or 3", 2.5), ("10", 10.0)],
    },
    controls: &[
        Control {
            label: "the primary replies",
            kind: Kind::Choice(&WAYS),
            first: 0,
        },
        Control {
            label: "the replica is behind by",
            kind: Kind::Slide(&[0.1, 1.0, 2.0, 5.0, 10.0], "ms"),
            first: 3,
        },
        Control {
            label: "the primary dies after",
            kind: Kind::Slide(&[5.0, 10.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 25.0], "ms"),
            first: 7,
        },
    ],
    plays_for: 10_000,
    draw,
};

fn draw(measured: &Measured, settings: &[f64]) -> Drawn {
    let replica = Replica {
        lag: ms(settings[1]),
        is_waited_for: false,
        primary_dies: ms(settings[2]),
        takes_over: ms(settings[2]) + OUTAGE,
    };
    let both = [false, true].map(|is_waited_for| {
        let replica = Replica {
            is_waited_for,
            ..replica
        };
        simulate(&world(measured, replica))
    });
    let shown = &both[usize::from(settings[0] > 0.5)];
    let twice = twice(shown);
    let because = format!(
        "{}: what the primary counted in its last {} died with it, and the replica gave the same numbers to others. \
         Where the primary waits for a replica before it replies, nobody is told a number that only one machine \
         knows.",
        twice.len(),
        milliseconds(replica.lag)
    );
    Drawn {
        svg: picture(shown, replica, &twice),
        window: WINDOW,
        events: events(replica, &twice),
        table: table(&both),
        answer: twice.len() as f64,
        because,
    }
}

fn world(measured: &Measured, replica: Replica) -> World {
    World {
        seed: 1,
        lasts: WINDOW,
        visitors: Visitors::Planned {
            per_second: PER_SECOND,
        },
        counting: Counting::Pipe,
        round_trip: MS,
        machine: measured.machine(),
        costs: measured.pipe,
        faults: Faults {
            replica: Some(replica),
            ..Faults::default()
        },
    }
}

/// The numbers that two visitors were given.
fn twice(history: &History) -> BTreeSet<u64> {
    let mut given = BTreeMap::<u64, usize>::new();
    for number in history.visits.iter().filter_map(|visit| visit.number) {
        *given.entry(number).or_default() += 1;
    }
    let twice = given.into_iter().filter(|(_, times)| *times > 1);
    twice.map(|(number, _)| number).collect()
}

fn events(replica: Replica, twice: &BTreeSet<u64>) -> Vec<(Nanos, String)> {
    let mut events = vec![
        (replica.primary_dies, "the primary dies".to_owned()),
        (
            replica.takes_over,
            "the replica goes on from what it knows".to_owned(),
        ),
    ];
    if let (Some(first), Some(last)) = (twice.first(), twice.last()) {
        let end = (replica.takes_over + 4 * MS).min(WINDOW);
        events.push((end, format!("numbers {first} to {last} are given again")));
    }
    events
}

fn table(both: &[History; 2]) -> Vec<Vec<String>> {
    let heading = ["the primary replies", WAYS[0], WAYS[1]];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    let mut row = |name: &str, cell: &dyn Fn(&History) -> String| {
        let cells = both.iter().map(cell);
        table.push([name.to_owned()].into_iter().chain(cells).collect());
    };
    row("visitors with a number", &|history| {
        history.answered().to_string()
    });
    row("refused", &|history| {
        (history.visits.len() - history.answered()).to_string()
    });
    row("numbers given twice", &|history| {
        twice(history).len().to_string()
    });
    row("median wait", &|history| {
        milliseconds(percentile(&history.waits(), 50.0))
    });
    table
}

fn picture(history: &History, replica: Replica, twice: &BTreeSet<u64>) -> String {
    let mut picture = Picture::new(WINDOW);
    picture.sample(4.0, 11.0, "counted");
    picture.text(14.0, 16.0, "", "a number");
    picture.sample(110.0, 11.0, "twice");
    picture.text(122.0, 16.0, "", "given twice");
    picture.key(240.0, 16.0, "waits", "on its way to the replica");
    for (y, name) in [
        (PRIMARY, "primary"),
        (REPLICA, "replica"),
        (VISITORS, "visitors"),
    ] {
        picture.text(0.0, y + 5.0, "", name);
        let end = if y == PRIMARY {
            picture.x(replica.primary_dies)
        } else {
            FIELD_END
        };
        picture.line((FIELD_START, y), (end, y), "ground", 1.0);
    }
    for (at, what) in [
        (replica.primary_dies, "dies"),
        (replica.takes_over, "takes over"),
    ] {
        let x = picture.x(at);
        picture.line((x, 34.0), (x, VISITORS + 12.0), "moment", 1.0);
        picture.text(x + 4.0, 44.0, "", what);
    }
    for packet in &history.packets {
        let class = match twice.contains(&packet.count) {
            true => "twice",
            false => "counted",
        };
        draw_packet(&mut picture, packet, replica, class);
    }
    for visit in &history.visits {
        let x = picture.x(visit.answered.unwrap_or(WINDOW));
        match visit.number {
            Some(number) if twice.contains(&number) => {
                draw_number(&mut picture, (x, VISITORS), number, "twice");
            }
            Some(_) => picture.dots([(x, VISITORS)], "counted"),
            None => picture.text(x - 4.0, VISITORS + 5.0, "lost", "×"),
        }
    }
    picture.axis(HEIGHT - 8.0, "ms", 4);
    let numbers: Vec<String> = twice.iter().map(u64::to_string).collect();
    let description = format!(
        "The primary counts and tells its replica, which knows each number {} later. Then the primary dies, and the replica \
         takes over and goes on from what it knows. Given twice: {}.",
        milliseconds(replica.lag),
        if numbers.is_empty() {
            "no number".to_owned()
        } else {
            numbers.join(", ")
        }
    );
    picture.finish(HEIGHT, (28.0, VISITORS + 16.0), FIGURE.title, &description)
}

/// A number on the line of who counted it, and its way from the primary to the replica.
fn draw_packet(picture: &mut Picture, packet: &Packet, replica: Replica, class: &str) {
    let Some(executed) = packet.executed else {
        return;
    };
    let x = picture.x(executed);
    if packet.is_of_successor {
        draw_number(picture, (x, REPLICA), packet.count, class);
        return;
    }
    draw_number(picture, (x, PRIMARY), packet.count, class);
    let known = executed + replica.lag;
    // What is under way when the primary dies gets no further.
    let end = known.min(replica.primary_dies);
    let share = (end - executed) as f64 / replica.lag.max(1) as f64;
    let y = PRIMARY + share * (REPLICA - PRIMARY);
    let end = picture.x(end);
    picture.line((x, PRIMARY), (end, y), "waits", 1.0);
    if known <= replica.primary_dies {
        picture.dots([(end, REPLICA)], "counted");
    }
}

/// A dot with its number above it.
fn draw_number(picture: &mut Picture, (x, y): (f64, f64), number: u64, class: &str) {
    picture.dots([(x, y)], class);
    let class = if class == "twice" {
        "middle lost"
    } else {
        "middle"
    };
    picture.text(x, y - 8.0, class, &number.to_string());
}
