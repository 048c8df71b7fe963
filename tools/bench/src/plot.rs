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
    connections: u32,
    load: Load,
}

impl Plot {
    /// Whether it shows this group.
    pub(crate) fn is_of(&self, group: &Group) -> bool {
        self.connections == group.connections && self.load == group.load
    }
}

/// Draws all plots of a run.
pub fn draw(results: &Results) -> Vec<Plot> {
    let mut plots = Vec::new();
    for group in summarise(results) {
        let name = match group.load {
            Load::Capacity => "",
            Load::FixedRate(_) => "fixed-rate-",
        };
        let mut add = |kind: &str, picture: Option<svg::Picture>| {
            if let Some(picture) = picture {
                plots.push(Plot {
                    file: format!("{kind}-{name}{}.svg", group.connections),
                    svg: picture.finish(),
                    description: picture.description,
                    connections: group.connections,
                    load: group.load,
                });
            }
        };
        if group.load == Load::Capacity {
            add("throughput", throughput::draw(&group));
        }
        add("latency", latency::draw(&group));
        add("cpu", cpu::draw(&group));
    }
    plots
}
