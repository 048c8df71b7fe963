//! A picture with one line for each contestant, and the few shapes that are drawn into it.

use std::fmt::{Display, Write};

use crate::summary::{Group, Row};

/// The width of every picture. Text of 14 units stays legible at the width of a book's page.
pub(super) const WIDTH: f64 = 720.0;

/// Where names end, and where the field for the figures begins and ends.
const NAMES_END: f64 = 168.0;
pub(super) const FIELD_START: f64 = 180.0;
pub(super) const FIELD_END: f64 = 590.0;

/// The height of a contestant's line, and what is above the first and below the last.
const LINE_HEIGHT: f64 = 34.0;
const HEAD_HEIGHT: f64 = 70.0;
const FOOT_HEIGHT: f64 = 16.0;

/// The height of a bar.
pub(super) const BAR_HEIGHT: f64 = 20.0;

/// The colours. Each has a contrast of 3 or more on white and on `#161b22`; a test computes it.
pub(super) const TEXT: &str = "#7a7d82";
pub(super) const BLUE: &str = "#2a7fc0";
pub(super) const ORANGE: &str = "#c2620c";
pub(super) const GREEN: &str = "#2b8a63";

/// The text in the theme's colour where the page has one, in ours where it has none.
const TEXT_STYLE: &str = "fill=\"#7a7d82\" style=\"fill:var(--fg,#7a7d82)\"";

/// How a bar is filled, so that its parts differ without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// One colour.
    Solid,
    /// The colour thinned, so that a line across it is seen.
    Pale,
    /// Stripes.
    Striped,
    /// Nothing but the outline.
    Hollow,
}

/// The height of the middle of a line.
pub(super) fn middle_of(line: usize) -> f64 {
    HEAD_HEIGHT + LINE_HEIGHT * (line as f64 + 0.5)
}

/// A picture under construction.
#[derive(Debug)]
pub(super) struct Picture {
    title: String,
    pub(super) description: String,
    lines: usize,
    body: String,
}

impl Picture {
    /// A picture with a line for each contestant, and nothing in it. What it shows is described for
    /// those who cannot see it: the title, what it is `about`, and the figures of each contestant.
    pub(super) fn new(
        group: &Group,
        title: String,
        about: &str,
        separator: &str,
        figures: impl Fn(&Row) -> String,
    ) -> Picture {
        let describe = |row: &Row| format!("{} {}", row.name, figures(row));
        let listing: Vec<String> = group.contestants().map(describe).collect();
        let description = format!("{title}{about} {}.", listing.join(separator));
        Picture::field(title, description, listing.len())
    }

    /// A picture as high as so many lines, and nothing in it.
    pub(super) fn field(title: String, description: String, lines: usize) -> Picture {
        let mut picture = Picture {
            title,
            description,
            lines,
            body: String::new(),
        };
        let heading = escape(&picture.title);
        picture.draw(format_args!(
            "<text x=\"0\" y=\"20\" font-size=\"17\" font-weight=\"600\" {TEXT_STYLE}>{heading}</text>"
        ));
        picture
    }

    /// Draws the line of each contestant: its name, and what `draw` adds at the height of the line's
    /// middle. Where that is nothing, `missing` says why.
    pub(super) fn rows(
        &mut self,
        group: &Group,
        missing: fn(&Row) -> &'static str,
        draw: impl Fn(&mut Picture, &Row, f64) -> Option<()>,
    ) {
        for (line, row) in group.contestants().enumerate() {
            let y = middle_of(line);
            self.name(y, &row.name);
            if draw(self, row, y).is_none() {
                self.text(FIELD_START, y + 5.0, "start", missing(row));
            }
        }
    }

    /// Writes the name of what a line is about, around the middle of the line.
    pub(super) fn name(&mut self, y: f64, name: &str) {
        self.text(NAMES_END, y + 5.0, "end", name);
    }

    /// Where the lines begin and end.
    pub(super) fn extent(&self) -> (f64, f64) {
        (HEAD_HEIGHT, HEAD_HEIGHT + LINE_HEIGHT * self.lines as f64)
    }

    /// Writes text. `anchor` is the SVG word: start, middle or end.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let text = escape(text);
        self.draw(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"14\" text-anchor=\"{anchor}\" {TEXT_STYLE}>{text}</text>"
        ));
    }

    /// Draws a bar around the middle of a line.
    pub(super) fn bar(&mut self, y: f64, from: f64, to: f64, colour: &str, fill: Fill) {
        let (top, width) = (y - BAR_HEIGHT / 2.0, (to - from).max(1.0));
        let place =
            format!("x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR_HEIGHT}\"");
        let paint = match fill {
            Fill::Solid => format!("fill=\"{colour}\""),
            Fill::Pale => format!("fill=\"{colour}\" fill-opacity=\"0.4\""),
            Fill::Striped => format!("fill=\"url(#stripes-{})\"", &colour[1..]),
            Fill::Hollow => "fill=\"none\"".to_owned(),
        };
        self.draw(format_args!(
            "<rect {place} {paint} stroke=\"{colour}\" stroke-width=\"1.5\"/>"
        ));
    }

    /// Draws a straight line in the colour of text.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.draw(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{TEXT}\" style=\"stroke:var(--fg,{TEXT})\" stroke-width=\"{width}\"/>"
        ));
    }

    /// Draws a line that is there to guide the eye.
    pub(super) fn guide(&mut self, x: f64) {
        let (top, bottom) = self.extent();
        self.draw(format_args!(
            "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"{TEXT}\" stroke-opacity=\"0.35\"/>"
        ));
    }

    /// Adds an element.
    pub(super) fn draw(&mut self, element: impl Display) {
        let _ = writeln!(self.body, "{element}");
    }

    /// The finished picture: no blank line is in it, or Markdown would take it apart.
    pub(super) fn finish(&self) -> String {
        let height = self.extent().1 + FOOT_HEIGHT;
        let title = escape(&self.title);
        let description = escape(&self.description);
        let stripes = [BLUE, ORANGE, GREEN].map(|colour| {
            let name = &colour[1..];
            format!("<pattern id=\"stripes-{name}\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"3.5\" height=\"7\" fill=\"{colour}\"/></pattern>\n")
        });
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n<title>{title}</title>\n<desc>{description}</desc>\n<defs>\n{}</defs>\n{}</svg>\n",
            stripes.concat(),
            self.body
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of a colour, after WCAG 2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    #[test]
    fn every_colour_stands_out_on_light_and_on_dark() {
        for colour in [TEXT, BLUE, ORANGE, GREEN] {
            for page in ["#ffffff", "#161b22", "#e1e1db", "#0f1419"] {
                let (one, two) = (luminance(colour), luminance(page));
                let contrast = (one.max(two) + 0.05) / (one.min(two) + 0.05);
                assert!(contrast >= 3.0, "{colour} on {page}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn text_cannot_break_out_of_the_picture() {
        let mut picture = Picture {
            title: "a < b".to_owned(),
            description: "\"&\"".to_owned(),
            lines: 1,
            body: String::new(),
        };
        picture.text(0.0, 0.0, "start", "</text><script>");
        let svg = picture.finish();
        assert!(!svg.contains("<script>") && !svg.contains("a < b"), "{svg}");
        assert!(!svg.contains("\n\n"), "a blank line ends an HTML block");
    }
}
