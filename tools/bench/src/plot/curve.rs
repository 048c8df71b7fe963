//! A figure over the load: a line for each contestant, with the band of its intervals.

use super::svg::{BLUE, FIELD_START, GREEN, ORANGE, Picture};
use crate::results::Load;
use crate::statistics::Estimate;
use crate::summary::Group;
use crate::units::{count, milliseconds};

/// Where the field ends: the names stand behind it.
const END: f64 = 560.0;
const START: f64 = FIELD_START - 100.0;

/// How many contestants' lines the picture is high.
const LINES: usize = 11;

/// The least distance between two names.
const NAME_HEIGHT: f64 = 17.0;

/// How a line is broken, so that those of one colour differ.
const DASHES: [&str; 3] = ["none", "9 4", "2 4"];

/// From how many times the latency of the lowest load on a server is past its knee.
const KNEE: f64 = 2.0;

/// What is drawn over what.
pub(super) struct Axes {
    pub title: String,
    /// The metric, and how it is written.
    pub metric: &'static str,
    pub is_logarithmic: bool,
    /// Whether to mark where the line turns upwards.
    pub has_knees: bool,
}

/// The points of a contestant: the load, the figure.
type Curve<'a> = (&'a str, Vec<(f64, Estimate)>);

pub(super) fn draw(groups: &[&Group], axes: Axes) -> Option<Picture> {
    let curves: Vec<Curve<'_>> = groups
        .first()?
        .contestants()
        .map(|row| (row.name.as_str(), curve(groups, axes.metric, &row.name)))
        .collect();
    let points = || curves.iter().flat_map(|(_, points)| points);
    let edges = || points().flat_map(|(_, estimate)| band(estimate));
    let (lowest, highest) = (
        edges().min_by(f64::total_cmp)?,
        edges().max_by(f64::total_cmp)?,
    );
    let loads = || groups.iter().map(|group| load(group));
    let (first, last) = (
        loads().min_by(f64::total_cmp)?,
        loads().max_by(f64::total_cmp)?,
    );

    let description = describe(&curves, &axes);
    let mut picture = Picture::field(axes.title, description, LINES);
    let (top, bottom) = picture.extent();
    let x = |load: f64| START + (END - START) * share(load, first, last, !axes.has_knees);
    let lowest = if axes.is_logarithmic {
        lowest.max(1.0)
    } else {
        0.0
    };
    let y =
        |value: f64| bottom - (bottom - top) * share(value, lowest, highest, axes.is_logarithmic);
    for load in loads() {
        picture.guide(x(load));
        picture.text(x(load), 62.0, "middle", &short_count(load));
    }
    let show = if axes.is_logarithmic {
        milliseconds
    } else {
        count
    };
    for value in [lowest, (lowest * highest).sqrt(), highest] {
        let is_drawn = axes.is_logarithmic || value > 0.0;
        if is_drawn {
            picture.text(START - 8.0, y(value) + 5.0, "end", &show(value));
        }
    }
    let mut names: Vec<(f64, &str)> = Vec::new();
    for (place, (name, points)) in curves.iter().enumerate() {
        let colour = [BLUE, ORANGE, GREEN][place % 3];
        let place_of = |load: f64, value: f64| format!("{:.1} {:.1}", x(load), y(value));
        let line: Vec<String> = points
            .iter()
            .map(|(load, estimate)| place_of(*load, estimate.median))
            .collect();
        let lower = points
            .iter()
            .map(|(load, estimate)| place_of(*load, band(estimate)[0]));
        let upper = points
            .iter()
            .rev()
            .map(|(load, estimate)| place_of(*load, band(estimate)[1]));
        let outline: Vec<String> = lower.chain(upper).collect();
        let Some((end, estimate)) = points.last() else {
            continue;
        };
        picture.draw(format_args!(
            "<path d=\"M{}Z\" fill=\"{colour}\" fill-opacity=\"0.25\"/>\n<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-dasharray=\"{}\"/>",
            outline.join("L"), line.join("L"), DASHES[place / 3 % 3]
        ));
        if let Some((load, estimate)) = knee(points).filter(|_| axes.has_knees) {
            let (x, y) = (x(load), y(estimate.median));
            picture.draw(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>"));
        }
        picture.draw(format_args!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
            x(*end),
            y(estimate.median)
        ));
        names.push((y(estimate.median), name));
    }
    // From above, each below the one before, however near their lines end.
    names.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut free = top;
    for (y, name) in names {
        let y = y.max(free);
        picture.text(END + 12.0, y + 5.0, "start", name);
        free = y + NAME_HEIGHT;
    }
    Some(picture)
}

/// The figure of a contestant at every load at which it has one.
fn curve(groups: &[&Group], metric: &str, name: &str) -> Vec<(f64, Estimate)> {
    let point = |group: &&Group| {
        let row = group.rows.iter().find(|row| row.name == name)?;
        Some((load(group), *row.estimates.get(metric)?))
    };
    groups.iter().filter_map(point).collect()
}

/// What the horizontal axis shows.
fn load(group: &Group) -> f64 {
    match group.load {
        Load::Capacity => group.connections.into(),
        Load::FixedRate(rate) => rate,
    }
}

fn band(estimate: &Estimate) -> [f64; 2] {
    estimate.interval.unwrap_or([estimate.median; 2])
}

/// Where a value lies between two others, from 0 to 1.
fn share(value: f64, low: f64, high: f64, is_logarithmic: bool) -> f64 {
    let scale = |value: f64| {
        if is_logarithmic {
            value.max(f64::MIN_POSITIVE).ln()
        } else {
            value
        }
    };
    let width = (scale(high) - scale(low)).max(f64::MIN_POSITIVE);
    ((scale(value) - scale(low)) / width).clamp(0.0, 1.0)
}

/// The first point whose band lies above [`KNEE`] times that of the first point. Where bands still touch,
/// there may be none.
fn knee(points: &[(f64, Estimate)]) -> Option<(f64, Estimate)> {
    let [_, high] = points.first()?.1.interval?;
    let mut points = points.iter().copied();
    points.find(|(_, estimate)| estimate.interval.is_some_and(|[low, _]| low > high * KNEE))
}

fn describe(curves: &[Curve<'_>], axes: &Axes) -> String {
    let show = if axes.is_logarithmic {
        milliseconds
    } else {
        count
    };
    let curves = curves.iter().map(|(name, points)| {
        let knee = knee(points);
        let points = points
            .iter()
            .map(|(load, estimate)| format!("{} at {}", show(estimate.median), count(*load)));
        let points: Vec<String> = points.collect();
        let knee = knee.filter(|_| axes.has_knees);
        let knee = knee.map_or(String::new(), |(load, _)| {
            format!(", with a knee at {}", count(load))
        });
        format!("{name} {}{knee}", points.join(", "))
    });
    format!("{}. {}.", axes.title, curves.collect::<Vec<_>>().join("; "))
}

/// A load as it fits below an axis: `12k`.
fn short_count(load: f64) -> String {
    match load < 10_000.0 {
        true => count(load),
        false => format!("{:.0}k", load / 1000.0),
    }
}
