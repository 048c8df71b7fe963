//! Latency: a mark for each percentile, on a logarithmic scale, because the slowest contestant may
//! be a thousand times slower than the fastest.

use super::svg::{BLUE, FIELD_END, FIELD_START, GREEN, ORANGE, Picture, WIDTH};
use crate::cells;
use crate::results::Load;
use crate::summary::{Group, Row};
use crate::units::milliseconds;

/// How large a mark is, from its middle.
const SIZE: f64 = 6.0;

/// What is marked, each with a shape of its own.
const MARKS: [&str; 4] = ["p50", "p90", "p99", "max"];

pub(super) fn draw(group: &Group) -> Option<Picture> {
    let values = || group.contestants().flat_map(marks).map(|(_, value)| value);
    let lowest = values().min_by(f64::total_cmp)?.max(1.0);
    let highest = values().max_by(f64::total_cmp)?;
    let (from, to) = (lowest.log10().floor(), highest.log10().ceil());
    let x = |microseconds: f64| {
        let share = (microseconds.max(1.0).log10() - from) / (to - from).max(1.0);
        FIELD_START + (FIELD_END - FIELD_START) * share
    };

    let title = match group.load {
        Load::Capacity => format!("{}: closed-loop latency", cells::title(group)),
        Load::FixedRate(_) => cells::title(group),
    };
    let mut picture = Picture::new(group, title, ", in milliseconds.", "; ", describe);
    legend(&mut picture);
    for exponent in from as i32..=to as i32 {
        let at = x(10_f64.powi(exponent));
        picture.guide(at);
        picture.text(at, 66.0, "middle", &decade(exponent));
    }
    picture.text(WIDTH - 2.0, 66.0, "end", "p99");
    picture.rows(group, cells::missing, |picture, row, y| {
        let marks = marks(row);
        let (first, last) = marks.first().zip(marks.last())?;
        picture.line((x(first.1), y), (x(last.1), y), 2.0);
        // From the right, so that the median is on top where marks meet.
        for (mark, value) in marks.iter().rev() {
            draw_mark(picture, mark, x(*value), y);
        }
        if let Some(p99) = cells::figure(row, "p99") {
            picture.text(WIDTH - 2.0, y + 5.0, "end", &format!("{p99} ms"));
        }
        Some(())
    });
    Some(picture)
}

/// What is marked of a row, from the left: what it is called, and where it is in microseconds.
fn marks(row: &Row) -> Vec<(&'static str, f64)> {
    let mark = |name| Some((name, row.estimates.get(name)?.median));
    MARKS.into_iter().filter_map(mark).collect()
}

fn describe(row: &Row) -> String {
    let marks = marks(row).into_iter();
    let marks = marks.map(|(name, value)| format!("{name} {}", milliseconds(value)));
    match marks.collect::<Vec<_>>() {
        none if none.is_empty() => cells::missing(row).to_owned(),
        marks => marks.join(", "),
    }
}

fn legend(picture: &mut Picture) {
    for (place, name) in MARKS.into_iter().enumerate() {
        let x = 480.0 + 62.0 * place as f64;
        draw_mark(picture, name, x, 38.0);
        picture.text(x + 11.0, 43.0, "start", name);
    }
}

fn draw_mark(picture: &mut Picture, name: &str, x: f64, y: f64) {
    let (left, right, top, bottom) = (x - SIZE, x + SIZE, y - SIZE, y + SIZE);
    match name {
        "p50" => picture.draw(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{SIZE}\" fill=\"{BLUE}\"/>"
        )),
        "p90" => picture.draw(format_args!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{0}\" height=\"{0}\" fill=\"{GREEN}\"/>",
            SIZE * 2.0
        )),
        "p99" => picture.draw(format_args!(
            "<path d=\"M{x:.1} {top:.1}L{right:.1} {bottom:.1}H{left:.1}Z\" fill=\"{ORANGE}\"/>"
        )),
        _ => picture.line((x, top), (x, bottom), 2.5),
    }
}

/// A power of ten, given in microseconds, in the unit that suits it.
fn decade(exponent: i32) -> String {
    match exponent {
        ..3 => format!("{} µs", 10_u32.pow(exponent.unsigned_abs())),
        3..6 => format!("{} ms", 10_u32.pow(exponent.unsigned_abs() - 3)),
        _ => format!("{} s", 10_u32.pow(exponent.unsigned_abs() - 6)),
    }
}
