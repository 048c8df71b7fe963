//! The plots: SVG that is legible on light and dark pages, and without colour.
//!
//! A picture in an `<img>` cannot know the page's theme. So every colour here has a contrast of at
//! least 3 to 1 on white and on the dark grey of GitHub and mdBook alike, and there is no background.
//! Inlined in the book, the text takes the theme's own colour from `--fg`. Whatever differs by
//! colour also differs by pattern or shape, and carries its number.

mod cpu;
mod latency;
mod svg;
mod throughput;

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

/// Draws all plots of a run.
pub fn draw(results: &Results) -> Vec<Plot> {
    summarise(results).iter().flat_map(of).collect()
}

/// Draws the plots of a group.
pub(crate) fn of(group: &Group) -> Vec<Plot> {
    let (name, throughput) = match group.load {
        Load::Capacity => ("", throughput::draw(group)),
        Load::FixedRate(_) => ("fixed-rate-", None),
    };
    let pictures = [
        ("throughput", throughput),
        ("latency", latency::draw(group)),
        ("cpu", cpu::draw(group)),
    ];
    let plot = |(kind, picture): (&str, Option<svg::Picture>)| {
        let picture = picture?;
        Some(Plot {
            file: format!("{kind}-{name}{}.svg", group.connections),
            svg: picture.finish(),
            description: picture.description,
        })
    };
    pictures.into_iter().filter_map(plot).collect()
}
