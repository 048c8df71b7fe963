//! A picture of a recording: one self-contained SVG, with a lane for the visitors and one for each of the
//! service, the wire and Redis to which something happens.
//!
//! A picture in an `<img>` cannot know the page's theme, so every colour has a contrast of at least 3 to 1 on
//! white and on dark grey, and what differs by colour differs by pattern, too. Set into a page, it shares that
//! page's style sheet: its own rules reach nothing outside of it.

use std::fmt::Write;

use crate::{
    experiment::Lane,
    recording::{Column, Event, Recording, SAMPLE_MS, Series},
    terminal::place,
};

/// The width of the picture, and where its field begins and ends.
const WIDTH: u64 = 560;
const FIELD_START: u64 = 84;
const FIELD_END: u64 = 552;

/// How high that is which stands above the first step, and below the last.
const HEAD: u64 = 56;
const FOOT: u64 = 28;

/// How high the name of a step is, a line of what was done to it, and the space below a lane.
const NAME: u64 = 26;
const LINE: u64 = 18;
const GAP: u64 = 8;

/// How many lines the names of the events may take.
const LINES_MAX: usize = 2;

/// As wide as a letter gets, on a phone, where the words have to be larger to be read.
const LETTER: u64 = 9;

/// All lanes, each with its height.
const LANES: [(Lane, u64); 4] = [
    (Lane::Visitors, 60),
    (Lane::Service, 14),
    (Lane::Wire, 24),
    (Lane::Redis, 14),
];

/// How a visit can end, each with what it is filled with.
const ENDS: [(&str, &str); 4] = [
    ("answered", "#2b8a63"),
    ("refused", "url(#refused)"),
    ("failed", "url(#failed)"),
    ("silent", "none"),
];

const STYLE: &str = "<style>\
.timeline text{font:14px sans-serif;fill:#7a7d82;fill:var(--fg,#7a7d82)}\
.timeline .name{font-weight:600}\
.timeline .well{fill:#2a7fc0}\
.timeline .ill{stroke:#d0413c}\
.timeline .event{stroke:#7a7d82;stroke-dasharray:2 3}\
.timeline .lost{stroke:#d0413c;stroke-width:2;fill:none}\
.timeline .silent{stroke:#d0413c}</style>";

const PATTERNS: &str = "<defs>\
<pattern id=\"refused\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"2.4\" height=\"4\" fill=\"#c2620c\"/></pattern>\
<pattern id=\"failed\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"4\" height=\"2.4\" fill=\"#d0413c\"/></pattern>\
<pattern id=\"ill\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"1.5\" height=\"6\" fill=\"#d0413c\"/></pattern></defs>";

/// Draws a recording.
pub fn draw(recording: &Recording) -> String {
    let layout = Layout::of(recording);
    let bottom = HEAD + layout.column * recording.columns.len() as u64;
    let height = bottom + FOOT;
    let title = format!("{}: {}", recording.experiment, recording.question);
    let described = recording.columns.iter().map(|column| {
        let [happened, means, _] = &column.verdict.lines;
        format!("{}: {happened}. {means}", column.name)
    });
    let description = described.collect::<Vec<_>>().join(" ");
    // A script that lays something over the field has to know where it is.
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         data-field=\"{FIELD_START} {HEAD} {FIELD_END} {bottom}\">\
         <title>{}</title><desc>{}</desc>{STYLE}{PATTERNS}\n",
        escape(&title),
        escape(&description)
    );
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"16\" class=\"name\">{}</text>",
        escape(&recording.experiment)
    );
    legend(&mut svg);
    for (column, top) in recording
        .columns
        .iter()
        .zip((HEAD..).step_by(layout.column as usize))
    {
        layout.draw_column(&mut svg, column, top);
    }
    let axis = height - 8;
    let _ = writeln!(svg, "<text x=\"0\" y=\"{axis}\">seconds</text>");
    for second in 0..=recording.lasts / 1000 {
        let x = layout.x(second * 1000);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.0}\" y=\"{axis}\" text-anchor=\"middle\">{second}</text>"
        );
    }
    svg + "</svg>\n"
}

fn legend(svg: &mut String) {
    let width = (FIELD_END - FIELD_START) / ENDS.len() as u64;
    for ((name, fill), x) in ENDS
        .into_iter()
        .zip((FIELD_START..).step_by(width as usize))
    {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"30\" width=\"14\" height=\"14\" class=\"{name}\" fill=\"{fill}\"/>\
             <text x=\"{}\" y=\"42\">{name}</text>",
            x + 20
        );
    }
}

/// Where everything is. All steps of a recording look alike.
struct Layout {
    lasts: u64,
    /// The most visits that ended in a sample.
    peak: u32,
    /// How many lines the names of the events take.
    lines: u64,
    /// The lanes in which something happens: each with its top, from that of its step, and its height.
    lanes: Vec<(Lane, u64, u64)>,
    /// How high a step is.
    column: u64,
}

impl Layout {
    fn of(recording: &Recording) -> Self {
        let columns = &recording.columns;
        let peak = columns.iter().map(|column| peak(&column.series)).max();
        let mut layout = Self {
            lasts: recording.lasts.max(1),
            peak: peak.unwrap_or(0).max(1),
            lines: 0,
            lanes: Vec::new(),
            column: 0,
        };
        let labels = columns
            .iter()
            .flat_map(|column| layout.labels(&column.events));
        layout.lines = labels
            .map(|(_, _, line)| line as u64 + 1)
            .max()
            .unwrap_or(0);
        let mut top = NAME + LINE * layout.lines;
        for (lane, height) in LANES {
            let mut events = columns.iter().flat_map(|column| &column.events);
            if lane == Lane::Visitors || events.any(|event| event.lane == lane) {
                layout.lanes.push((lane, top, height));
                top += height + GAP;
            }
        }
        layout.column = top + GAP;
        layout
    }

    fn x(&self, at: u64) -> f32 {
        let share = at.min(self.lasts) as f32 / self.lasts as f32;
        FIELD_START as f32 + share * (FIELD_END - FIELD_START) as f32
    }

    fn lane(&self, wanted: Lane) -> Option<(u64, u64)> {
        let mut lanes = self.lanes.iter();
        let (_, top, height) = lanes.find(|(lane, ..)| *lane == wanted)?;
        Some((*top, *height))
    }

    /// The names of what was done, as far as there is room: each with where it begins, and its line, counted
    /// from below.
    fn labels<'a>(&self, events: &'a [Event]) -> Vec<(&'a str, u64, usize)> {
        let (mut labels, mut free_from) = (Vec::new(), [0; LINES_MAX]);
        for event in events.iter().filter(|event| !event.is_loss) {
            let length = event.what.chars().count() as u64 * LETTER;
            let start = (self.x(event.at) as u64).min(WIDTH.saturating_sub(length));
            if let Some(line) = free_from.iter().position(|free| *free <= start) {
                free_from[line] = start + length + LETTER;
                labels.push((event.what.as_str(), start, line));
            }
        }
        labels
    }

    fn draw_column(&self, svg: &mut String, column: &Column, top: u64) {
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\" class=\"name\">{}</text>",
            top + 16,
            escape(&column.name)
        );
        for (lane, y, height) in &self.lanes {
            let middle = top + y + height / 2 + 5;
            let _ = writeln!(svg, "<text x=\"0\" y=\"{middle}\">{}</text>", place(*lane));
        }
        self.draw_visits(svg, &column.series, top);
        for lane in [Lane::Service, Lane::Redis] {
            self.draw_states(svg, &column.events, lane, top);
        }
        for event in &column.events {
            match event.is_loss {
                true => self.draw_loss(svg, event, top),
                false => self.draw_event(svg, event, top),
            }
        }
        for (what, x, line) in self.labels(&column.events) {
            let y = top + NAME + LINE * (self.lines - line as u64) - 6;
            let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\">{}</text>", escape(what));
        }
    }

    /// How the visits ended: a bar for each sample, one kind upon the other.
    fn draw_visits(&self, svg: &mut String, series: &Series, top: u64) {
        let Some((y, height)) = self.lane(Lane::Visitors) else {
            return;
        };
        let mut bars = ENDS.map(|_| String::new());
        let width = self.x(SAMPLE_MS) - self.x(0) - 1.0;
        // Who still waited when the last visitor had come has no place in it.
        let samples = series.len().min((self.lasts / SAMPLE_MS) as usize);
        for sample in 0..samples {
            let x = self.x(sample as u64 * SAMPLE_MS);
            let mut bottom = (top + y + height) as f32;
            for (bars, count) in bars.iter_mut().zip(series.ends(sample..sample + 1)) {
                if count > 0 {
                    let tall = (height as f32 * count as f32 / self.peak as f32).max(1.0);
                    bottom -= tall;
                    let _ = write!(
                        bars,
                        "M{x:.1} {bottom:.1}h{width:.1}v{tall:.1}h-{width:.1}z"
                    );
                }
            }
        }
        for ((name, fill), bars) in ENDS.into_iter().zip(bars) {
            if !bars.is_empty() {
                let _ = writeln!(svg, "<path class=\"{name}\" fill=\"{fill}\" d=\"{bars}\"/>");
            }
        }
    }

    /// When something was well, and when it was not.
    fn draw_states(&self, svg: &mut String, events: &[Event], lane: Lane, top: u64) {
        let Some((y, height)) = self.lane(lane) else {
            return;
        };
        let changes = events.iter().filter(|event| event.lane == lane);
        let changes = changes.filter_map(|event| Some((event.at, event.is_well?)));
        let mut states: Vec<(u64, bool)> = std::iter::once((0, true)).chain(changes).collect();
        states.push((self.lasts, true));
        for pair in states.windows(2) {
            let (x, end) = (self.x(pair[0].0), self.x(pair[1].0));
            let (class, fill) = match pair[0].1 {
                true => ("well", "none"),
                false => ("ill", "url(#ill)"),
            };
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{height}\" class=\"{class}\" fill=\"{fill}\"/>",
                top + y,
                (end - x).max(0.0)
            );
        }
    }

    /// What was done: a line through all lanes.
    fn draw_event(&self, svg: &mut String, event: &Event, top: u64) {
        let x = self.x(event.at);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {}V{}\" class=\"event\"/>",
            top + NAME + LINE * self.lines - 2,
            top + self.column - GAP
        );
    }

    /// An arrow that does not arrive: down from the service for a command, up from Redis for a reply.
    fn draw_loss(&self, svg: &mut String, event: &Event, top: u64) {
        let Some((y, height)) = self.lane(Lane::Wire) else {
            return;
        };
        let middle = top + y + height / 2;
        let from = match event.what.starts_with("command") {
            true => top + y,
            false => top + y + height,
        };
        let x = self.x(event.at);
        let (left, right, above, below) = (x - 4.0, x + 4.0, middle - 4, middle + 4);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {from}V{middle}M{left:.1} {above}L{right:.1} {below}M{left:.1} {below}L{right:.1} {above}\" \
             class=\"lost\"><title>{}</title></path>",
            escape(&event.what)
        );
    }
}

/// The most visits that ended in a sample.
fn peak(series: &Series) -> u32 {
    let samples = (0..series.len()).map(|sample| series.ends(sample..sample + 1));
    samples.map(|ends| ends.iter().sum()).max().unwrap_or(0)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
