//! Processor time for each response: server, Redis and load generator stacked.

use super::svg::{BAR_HEIGHT, BLUE, FIELD_END, FIELD_START, Fill, GREEN, ORANGE, Picture};
use crate::cells;
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
    let all = group.contestants().filter_map(parts);
    let mut totals: Vec<f64> = all.map(|parts| parts.iter().sum()).collect();
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
            let parts = parts(row)?;
            let mut from = 0.0;
            for ((_, colour, fill), part) in PARTS.iter().zip(parts) {
                if part > 0.0 && from < longest {
                    picture.bar(y, x(from), x(from + part), colour, *fill);
                }
                from += part;
            }
            if from > longest {
                cut(picture, y);
            }
            picture.text(x(from) + 14.0, y + 5.0, "start", &short(from));
            Some(())
        },
    );
    Some(picture)
}

fn describe(row: &Row) -> String {
    let texts = parts(row).map(|parts| parts.map(short));
    texts.map_or("unknown".to_owned(), |[server, redis, load]| {
        format!("{server}, {redis} and {load}")
    })
}

/// The parts of a bar, in microseconds.
fn parts(row: &Row) -> Option<[f64; 3]> {
    let part = |name| Some(row.estimates.get(name)?.median);
    Some([part("server-us")?, part("redis-us")?, part("load-us")?])
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
