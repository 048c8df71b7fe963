//! Processor time for each response: server, Redis and load generator stacked.

use super::svg::{BAR_HEIGHT, BLUE, FIELD_END, FIELD_START, Fill, GREEN, ORANGE, Picture};
use crate::cells;
use crate::results::Cpu;
use crate::summary::{Group, Row};
use crate::units::short;

/// A bar longer than so many times the median bar is cut off, or it would press all others flat.
const LENGTH_MAX: f64 = 3.0;

const PARTS: [(&str, &str, Fill); 3] = [
    ("server", BLUE, Fill::Solid),
    ("Redis", ORANGE, Fill::Striped),
    ("load generator", GREEN, Fill::Hollow),
];

pub(super) fn draw(group: &Group) -> Option<Picture> {
    let totals = group.contestants().filter_map(|row| row.cpu.as_ref());
    let mut totals: Vec<f64> = totals.map(total).collect();
    totals.sort_by(f64::total_cmp);
    let limit = totals.get(totals.len() / 2)? * LENGTH_MAX;
    let longest = totals.iter().copied().rfind(|total| *total <= limit)?;
    let longest = longest.max(f64::MIN_POSITIVE);
    let x = |microseconds: f64| {
        FIELD_START + (FIELD_END - FIELD_START) * (microseconds / longest).min(1.0)
    };

    let title = format!("{}: processor time, µs a response", cells::title(group));
    let about = ": server, Redis and load generator.";
    let mut picture = Picture::new(group, title, about, "; ", describe);
    legend(&mut picture);
    picture.rows(
        group,
        |_| "unknown",
        |picture, row, y| {
            let cpu = row.cpu?;
            let parts = [cpu.server_us, cpu.redis_us, cpu.load_us];
            let mut from = 0.0;
            for ((_, colour, fill), part) in PARTS.iter().zip(parts) {
                if part > 0.0 && from < longest {
                    picture.bar(y, x(from), x(from + part), colour, *fill);
                }
                from += part;
            }
            if total(&cpu) > longest {
                cut(picture, y);
            }
            let end = x(total(&cpu)) + 14.0;
            picture.text(end, y + 5.0, "start", &short(total(&cpu)));
            Some(())
        },
    );
    Some(picture)
}

fn describe(row: &Row) -> String {
    let Some(cpu) = row.cpu else {
        return "unknown".to_owned();
    };
    let [server, redis, load] = [cpu.server_us, cpu.redis_us, cpu.load_us].map(short);
    format!("{server}, {redis} and {load}")
}

fn total(cpu: &Cpu) -> f64 {
    cpu.server_us + cpu.redis_us + cpu.load_us
}

/// Marks the end of a bar that goes on beyond the picture: two slanted strokes.
fn cut(picture: &mut Picture, y: f64) {
    let half = BAR_HEIGHT / 2.0 + 4.0;
    for x in [FIELD_END - 8.0, FIELD_END - 1.0] {
        picture.line((x - 4.0, y + half), (x + 4.0, y - half), 2.5);
    }
}

fn legend(picture: &mut Picture) {
    for ((name, colour, fill), x) in PARTS.iter().zip([180.0, 290.0, 395.0]) {
        picture.bar(44.0, x, x + 26.0, colour, *fill);
        picture.text(x + 34.0, 49.0, "start", name);
    }
}
