//! The plots: SVG that is legible on light and dark pages, and without colour.
//!
//! A picture in an `<img>` cannot know the page's theme. So every colour here has a contrast of at
//! least 3 to 1 on white and on the dark grey of GitHub and mdBook alike, and there is no background.
//! Inlined in the book, the text takes the theme's own colour from `--fg`. Whatever differs by
//! colour also differs by pattern or shape, and carries its number.

mod cpu;
mod curve;
mod latency;
mod split;
mod svg;
mod throughput;

use crate::profile::Profile;
use crate::results::{Load, Results};
use crate::summary::{Group, summarise};

/// A plot of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// The name of its file, such as `throughput-1000.svg`.
    pub file: String,
    /// What it shows, in one sentence with the figures.
    pub description: String,
    /// The picture.
    pub svg: String,
}

/// How many loads make a curve.
const CURVE_MIN: usize = 3;

/// Draws all plots of a run: of each table, or of a sweep the curves, because its tables are too many.
pub fn draw(results: &Results) -> Vec<Plot> {
    let groups = summarise(results);
    match curves(&groups) {
        none if none.is_empty() => groups.iter().flat_map(of).collect(),
        curves => curves,
    }
}

/// Draws the plots of a group.
pub fn of(group: &Group) -> Vec<Plot> {
    let (name, throughput) = match group.load {
        Load::Capacity => ("", throughput::draw(group)),
        Load::FixedRate(_) => ("fixed-rate-", None),
    };
    let pictures = [
        ("throughput", throughput),
        ("latency", latency::draw(group)),
        ("cpu", cpu::draw(group)),
    ];
    let name = |kind| format!("{kind}-{name}{}.svg", group.connections);
    let plots = pictures
        .into_iter()
        .map(|(kind, picture)| plot(name(kind), picture));
    plots.flatten().collect()
}

/// Draws the curves of a run that has enough loads for them.
pub(crate) fn curves(groups: &[Group]) -> Vec<Plot> {
    let (closed, open): (Vec<_>, Vec<_>) = groups
        .iter()
        .partition(|group| group.load == Load::Capacity);
    let curve = |file: &str, groups: &[&Group], title: &str, metric, has_knees| {
        let axes = curve::Axes {
            title: title.to_owned(),
            is_logarithmic: metric != "requests",
            metric,
            has_knees,
        };
        let picture = curve::draw(groups, &axes).filter(|_| groups.len() >= CURVE_MIN);
        plot(file.to_owned(), picture)
    };
    let curves = [
        curve(
            "sweep-throughput.svg",
            &closed,
            "Requests a second over connections",
            "requests",
            false,
        ),
        curve(
            "sweep-latency.svg",
            &closed,
            "Closed-loop p99 in ms over connections",
            "p99",
            false,
        ),
        curve(
            "sweep-rate.svg",
            &open,
            "p99 in ms over requests a second that are due; ring: the knee",
            "p99",
            true,
        ),
    ];
    curves.into_iter().flatten().collect()
}

/// Draws where the processor time of a response goes. `None` where nothing was measured.
pub fn split(profile: &Profile) -> Option<Plot> {
    plot("split.svg".to_owned(), split::draw(profile))
}

fn plot(file: String, picture: Option<svg::Picture>) -> Option<Plot> {
    let picture = picture?;
    Some(Plot {
        file,
        svg: picture.finish(),
        description: picture.description,
    })
}
