//! A picture of a recording: one self-contained SVG, with lanes for the visitors, the service, the wire and
//! Redis.
//!
//! A picture in an `<img>` cannot know the page's theme, so every colour has a contrast of at least 3 to 1 on
//! white and on dark grey, and what differs by colour differs by pattern, too.

use std::fmt::Write;

use crate::{
    experiment::Lane,
    recording::{Column, Event, Recording, SAMPLE_MS, Series},
    terminal::place,
};

/// The width of the picture, and where its field begins and ends.
const WIDTH: u64 = 720;
const FIELD_START: u64 = 84;
const FIELD_END: u64 = 708;

/// The heights: what stands above the first step, each step, and its lanes within.
const HEAD: u64 = 62;
const COLUMN: u64 = 196;
const LANES: [(Lane, u64, u64); 4] = [
    (Lane::Visitors, 28, 64),
    (Lane::Service, 100, 18),
    (Lane::Wire, 122, 28),
    (Lane::Redis, 154, 18),
];
const FOOT: u64 = 26;

const STYLE: &str = "<style>\
text{font:14px sans-serif;fill:#7a7d82;fill:var(--fg,#7a7d82)}.name{font-weight:600}\
.well{fill:#2a7fc0}.ill{fill:url(#ill);stroke:#d0413c}.event{stroke:#7a7d82;stroke-dasharray:2 3}\
.lost{stroke:#d0413c;stroke-width:2;fill:none}.answered{fill:#2b8a63}.refused{fill:url(#refused)}\
.failed{fill:url(#failed)}.silent{fill:none;stroke:#d0413c}</style>";

const PATTERNS: &str = "<defs>\
<pattern id=\"refused\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"2.4\" height=\"4\" fill=\"#c2620c\"/></pattern>\
<pattern id=\"failed\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"4\" height=\"2.4\" fill=\"#d0413c\"/></pattern>\
<pattern id=\"ill\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"1.5\" height=\"6\" fill=\"#d0413c\"/></pattern></defs>";

/// Draws a recording.
pub fn draw(recording: &Recording) -> String {
    let height = HEAD + COLUMN * recording.columns.len() as u64 + FOOT;
    let title = format!("{}: {}", recording.experiment, recording.question);
    let described = recording.columns.iter().map(|column| {
        let [happened, means, _] = &column.verdict.lines;
        format!("{}: {happened}. {means}", column.name)
    });
    let description = described.collect::<Vec<_>>().join(" ");
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\
         <title>{}</title><desc>{}</desc>{STYLE}{PATTERNS}\n",
        escape(&title),
        escape(&description)
    );
    let scale = Scale {
        lasts: recording.lasts.max(1),
    };
    let peak = recording
        .columns
        .iter()
        .map(|column| peak(&column.series))
        .max();
    legend(&mut svg);
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"18\" class=\"name\">{}</text>",
        escape(&recording.experiment)
    );
    for (column, top) in recording
        .columns
        .iter()
        .zip((HEAD..).step_by(COLUMN as usize))
    {
        draw_column(&mut svg, &scale, column, top, peak.unwrap_or(1).max(1));
    }
    for second in 0..=recording.lasts / 1000 {
        let x = scale.x(second * 1000);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{second}</text>",
            height - 8
        );
    }
    svg + "</svg>\n"
}

/// Where moments are.
struct Scale {
    lasts: u64,
}

impl Scale {
    fn x(&self, at: u64) -> u64 {
        FIELD_START + at.min(self.lasts) * (FIELD_END - FIELD_START) / self.lasts
    }
}

fn legend(svg: &mut String) {
    for (class, x) in ["answered", "refused", "failed", "silent"]
        .into_iter()
        .zip((FIELD_START..).step_by(150))
    {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"34\" width=\"14\" height=\"14\" class=\"{class}\"/>\
             <text x=\"{}\" y=\"46\">{class}</text>",
            x + 20
        );
    }
}

fn draw_column(svg: &mut String, scale: &Scale, column: &Column, top: u64, peak: u32) {
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"{}\" class=\"name\">{}</text>",
        top + 16,
        escape(&column.name)
    );
    for (lane, y, height) in LANES {
        let middle = top + y + height / 2 + 5;
        let _ = writeln!(svg, "<text x=\"0\" y=\"{middle}\">{}</text>", place(lane));
    }
    bars(svg, scale, &column.series, top, peak);
    for lane in [Lane::Service, Lane::Redis] {
        states(svg, scale, &column.events, lane, top);
    }
    let mut free_from = [0; 2];
    for event in &column.events {
        match event.is_loss {
            true => draw_loss(svg, scale.x(event.at), event, top),
            false => draw_event(svg, scale.x(event.at), event, top, &mut free_from),
        }
    }
}

/// How the visits ended, a bar a sample, one kind upon the other.
fn bars(svg: &mut String, scale: &Scale, series: &Series, top: u64, peak: u32) {
    let [(_, y, height), ..] = LANES;
    let width = scale.x(SAMPLE_MS).saturating_sub(FIELD_START).max(2) - 1;
    for sample in 0..series.len() {
        let mut bottom = (top + y + height) as f32;
        let classes = ["answered", "refused", "failed", "silent"];
        for (class, count) in classes.into_iter().zip(series.ends(sample..sample + 1)) {
            if count > 0 {
                let tall = (height as f32 * count as f32 / peak as f32).max(1.0);
                bottom -= tall;
                let x = scale.x(sample as u64 * SAMPLE_MS);
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{bottom:.1}\" width=\"{width}\" height=\"{tall:.1}\" class=\"{class}\"/>"
                );
            }
        }
    }
}

/// When something was well, and when it was not.
fn states(svg: &mut String, scale: &Scale, events: &[Event], lane: Lane, top: u64) {
    let Some((_, y, height)) = LANES.into_iter().find(|(known, ..)| *known == lane) else {
        return;
    };
    let changes = events.iter().filter(|event| event.lane == lane);
    let changes = changes.filter_map(|event| Some((event.at, event.is_well?)));
    let mut states: Vec<(u64, bool)> = std::iter::once((0, true)).chain(changes).collect();
    states.push((scale.lasts, true));
    for pair in states.windows(2) {
        let (x, end) = (scale.x(pair[0].0), scale.x(pair[1].0));
        let class = if pair[0].1 { "well" } else { "ill" };
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"{}\" height=\"{height}\" class=\"{class}\"/>",
            top + y,
            end.saturating_sub(x)
        );
    }
}

/// The most visits that ended in a sample.
fn peak(series: &Series) -> u32 {
    let samples = (0..series.len()).map(|sample| series.ends(sample..sample + 1));
    samples.map(|ends| ends.iter().sum()).max().unwrap_or(0)
}

/// What was done: a line through all lanes, with its name above, where there is room.
fn draw_event(svg: &mut String, x: u64, event: &Event, top: u64, free_from: &mut [u64; 2]) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\" class=\"event\"/>",
        top + 24,
        top + COLUMN - 24
    );
    let length = event.what.chars().count() as u64 * 8;
    let start = x.min(WIDTH.saturating_sub(length));
    // The step's own name stands in the first line.
    free_from[0] = free_from[0].max(FIELD_START + 130);
    if let Some(line) = free_from.iter().position(|free| *free <= start) {
        free_from[line] = start + length + 8;
        let y = [top + 16, top + COLUMN - 10][line];
        let _ = writeln!(
            svg,
            "<text x=\"{start}\" y=\"{y}\">{}</text>",
            escape(&event.what)
        );
    }
}

/// An arrow that does not arrive: down from the service for a command, up from Redis for a reply.
fn draw_loss(svg: &mut String, x: u64, event: &Event, top: u64) {
    let [_, _, (_, y, height), _] = LANES;
    let (from, to) = match event.what.starts_with("command") {
        true => (top + y, top + y + height / 2),
        false => (top + y + height, top + y + height / 2),
    };
    let (left, right, above, below) = (x - 4, x + 4, to - 4, to + 4);
    let _ = writeln!(
        svg,
        "<path d=\"M{x} {from}V{to}M{left} {above}L{right} {below}M{left} {below}L{right} {above}\" class=\"lost\">\
         <title>{}</title></path>",
        escape(&event.what)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
