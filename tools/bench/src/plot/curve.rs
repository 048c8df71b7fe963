//! A figure over the load: a line for each contestant, with the band of its intervals.

use super::svg::{BLUE, FIELD_START, GREEN, ORANGE, Picture};
use crate::metrics::Metric;
use crate::results::Load;
use crate::summary::Group;
use crate::units::count;
use statistics::Estimate;

/// Where the field ends: the names stand behind it.
const END: f64 = 534.0;
const START: f64 = FIELD_START - 100.0;

/// How many contestants' lines the picture is high.
const LINES: usize = 11;

/// The least distance between two loads that are named.
const LABEL_WIDTH: f64 = 44.0;

/// The least distance between two names. On a phone, the letters are larger beside all else.
const NAME_HEIGHT: f64 = 21.0;

/// How long a piece of a line stands before its name.
const SAMPLE: f64 = 22.0;

/// How a line is broken, so that those of one colour differ.
const DASHES: [&str; 3] = ["none", "9 4", "2 4"];

/// From how many times the latency of the lowest load on a server is past its knee.
const KNEE: f64 = 2.0;

/// What is drawn over what.
pub(super) struct Axes {
    pub title: String,
    /// The name of the metric.
    pub metric: &'static str,
    pub is_logarithmic: bool,
    /// Whether to mark where the line turns upwards.
    pub has_knees: bool,
}

impl Axes {
    fn show(&self) -> fn(f64) -> String {
        Metric::named(self.metric).map_or(count, |metric| metric.show)
    }
}

/// The points of a contestant: the load, the figure.
type Curve<'a> = (&'a str, Vec<(f64, Estimate)>);

pub(super) fn draw(groups: &[&Group], axes: &Axes) -> Option<Picture> {
    let contestants = groups.first()?.contestants();
    let curves: Vec<Curve<'_>> = contestants
        .map(|row| (row.name.as_str(), curve(groups, axes.metric, &row.name)))
        .collect();
    let points = || curves.iter().flat_map(|(_, points)| points);
    let edges = || points().flat_map(|(_, estimate)| band(estimate));
    // Without those at which every measurement is discarded.
    let is_measured = |wanted: &f64| points().any(|(load, _)| load == wanted);
    let loads = groups.iter().map(|group| load(group));
    let loads: Vec<f64> = loads.filter(is_measured).collect();
    let (first, last) = extremes(loads.iter().copied())?;
    let (lowest, highest) = extremes(edges())?;
    let lowest = if axes.is_logarithmic { lowest } else { 0.0 };

    let description = describe(&curves, axes);
    let mut picture = Picture::field(axes.title.clone(), description, LINES);
    let (top, bottom) = picture.extent();
    let x = |load| START + (END - START) * share(load, first, last, !axes.has_knees);
    let y = |value| bottom - (bottom - top) * share(value, lowest, highest, axes.is_logarithmic);
    let mut free = 0.0;
    for load in loads {
        picture.guide(x(load));
        if x(load) >= free {
            picture.text(x(load), 62.0, "middle", &thousands(load));
            free = x(load) + LABEL_WIDTH;
        }
    }
    let middle = match axes.is_logarithmic {
        true => (lowest * highest).sqrt(),
        false => f64::midpoint(lowest, highest),
    };
    for value in [lowest, middle, highest] {
        let text = (axes.show())(value);
        picture.text(START - 8.0, y(value) + 5.0, "end", &text);
    }
    let place = |load: f64, value: f64| (x(load), y(value));
    let mut names: Vec<(f64, usize, &str)> = Vec::new();
    for (number, (name, points)) in curves.iter().enumerate() {
        let knee = knee(points).filter(|_| axes.has_knees);
        let end = line(&mut picture, number, points, knee, place);
        names.extend(end.map(|y| (y, number, *name)));
    }
    // From above, each below the one before, however near their lines end. A line may end far to the left.
    names.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let mut free = top;
    for (y, number, name) in names {
        let y = y.max(free);
        picture.draw(format_args!(
            "<path d=\"M{:.1} {y:.1}h{SAMPLE:.1}\" {}/>",
            END + 10.0,
            pen(number)
        ));
        picture.text(END + SAMPLE + 16.0, y + 5.0, "start", name);
        free = y + NAME_HEIGHT;
    }
    Some(picture)
}

/// How a contestant's line is drawn.
fn pen(number: usize) -> String {
    let (colour, dashes) = (colour(number), DASHES[number / 3 % 3]);
    format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-dasharray=\"{dashes}\"")
}

fn colour(number: usize) -> &'static str {
    [BLUE, ORANGE, GREEN][number % 3]
}

/// Draws a contestant's band, its line, a ring around its knee, and a dot where the line ends. Returns at
/// which height that is.
fn line(
    picture: &mut Picture,
    number: usize,
    points: &[(f64, Estimate)],
    knee: Option<(f64, Estimate)>,
    place: impl Fn(f64, f64) -> (f64, f64),
) -> Option<f64> {
    let (colour, pen) = (colour(number), pen(number));
    let (load, estimate) = points.last()?;
    let (x, y) = place(*load, estimate.median);
    let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
        let points = points.map(|(load, value)| place(load, value));
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        points.join("L")
    };
    let edge =
        |edge: usize| move |(load, estimate): &(f64, Estimate)| (*load, band(estimate)[edge]);
    // Where too few rounds count for an interval, a band that narrows to a point would look like certainty.
    let are_known = |one: &(f64, Estimate), next: &(f64, Estimate)| {
        one.1.interval.is_some() && next.1.interval.is_some()
    };
    let stretches = points.chunk_by(are_known).filter(|points| points.len() > 1);
    let bands = stretches.map(|points| {
        let (forth, back) = (points.iter(), points.iter().rev());
        path(&mut forth.map(edge(0)).chain(back.map(edge(1))))
    });
    let bands: Vec<String> = bands.map(|outline| format!("M{outline}Z")).collect();
    if !bands.is_empty() {
        let outline = bands.concat();
        picture.draw(format_args!(
            "<path d=\"{outline}\" fill=\"{colour}\" fill-opacity=\"0.25\"/>"
        ));
    }
    let median = |(load, estimate): &(f64, Estimate)| (*load, estimate.median);
    let middle = path(&mut points.iter().map(median));
    picture.draw(format_args!(
        "<path d=\"M{middle}\" {pen}/>\n<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
    ));
    if let Some((load, estimate)) = knee {
        let (x, y) = place(load, estimate.median);
        picture.draw(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>"
        ));
    }
    Some(y)
}

/// The lowest and the highest value.
fn extremes(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let lowest = values.clone().min_by(f64::total_cmp)?;
    Some((lowest, values.max_by(f64::total_cmp)?))
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
    let scale = |value: f64| match is_logarithmic {
        true => value.max(f64::MIN_POSITIVE).ln(),
        false => value,
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
    let show = axes.show();
    let curves = curves.iter().map(|(name, points)| {
        let knee = knee(points);
        let point = |(load, estimate): &(f64, Estimate)| {
            format!("{} at {}", show(estimate.median), count(*load))
        };
        let points: Vec<String> = points.iter().map(point).collect();
        let knee = knee.filter(|_| axes.has_knees);
        let knee = knee.map_or(String::new(), |(load, _)| {
            format!(", with a knee at {}", count(load))
        });
        format!("{name} {}{knee}", points.join(", "))
    });
    format!("{}. {}.", axes.title, curves.collect::<Vec<_>>().join("; "))
}

/// A load as it fits below an axis: `12k`.
fn thousands(load: f64) -> String {
    match load < 10_000.0 {
        true => count(load),
        false => format!("{:.0}k", load / 1000.0),
    }
}
