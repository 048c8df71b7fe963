//! A picture as SVG, which the page's style sheet (`book/theme/book.css`) gives its colours.

use std::fmt::Write;

use crate::world::Nanos;

/// The width of the picture, and where its field begins and ends: as in the pictures of experiments, so that
/// the slider below it fits both.
pub const WIDTH: f64 = 560.0;
/// Where the field begins.
pub const FIELD_START: f64 = 84.0;
/// Where the field ends.
pub const FIELD_END: f64 = 552.0;

/// A picture in the making. Time runs from left to right.
pub struct Picture {
    body: String,
    window: Nanos,
}

impl Picture {
    /// An empty picture of so much time.
    pub fn new(window: Nanos) -> Self {
        Self {
            body: String::new(),
            window,
        }
    }

    /// Where a moment is. What comes after the end is at the end.
    pub fn x(&self, at: Nanos) -> f64 {
        let share = at.min(self.window) as f64 / self.window as f64;
        FIELD_START + share * (FIELD_END - FIELD_START)
    }

    /// Whether a moment is in the picture.
    pub fn shows(&self, at: Nanos) -> bool {
        at <= self.window
    }

    /// Words that begin at a place.
    pub fn text(&mut self, x: f64, y: f64, class: &str, words: &str) {
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"{class}\">{}</text>",
            escape(words)
        );
    }

    /// A line from one place to another.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str, width: f64) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.body,
            "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" class=\"{class}\" stroke-width=\"{width:.1}\"/>"
        );
    }

    /// A rectangle, from one corner to the other.
    pub fn rect(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x, y), (right, bottom)) = (from, to);
        let (width, height) = (right - x, bottom - y);
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"/>"
        );
    }

    /// Dots of one kind. Where several lie upon each other, one is drawn.
    pub fn dots(&mut self, places: impl IntoIterator<Item = (f64, f64)>, class: &str) {
        let halves = |place: f64| (place * 2.0).round() as i64;
        let places = places.into_iter().map(|(x, y)| (halves(x), halves(y)));
        let mut places: Vec<(i64, i64)> = places.collect();
        places.sort_unstable();
        places.dedup();
        let mut path = String::new();
        for (x, y) in places {
            let _ = write!(path, "M{} {}h0", x as f64 / 2.0, y as f64 / 2.0);
        }
        if !path.is_empty() {
            let _ = writeln!(self.body, "<path d=\"{path}\" class=\"{class}\"/>");
        }
    }

    /// One dot, such as the sample that a key explains.
    pub fn sample(&mut self, x: f64, y: f64, class: &str) {
        self.dots([(x, y)], class);
        self.dots([(x, y)], &format!("{class} core"));
    }

    /// The moments below the field: so many, from the first to the last.
    pub fn axis(&mut self, y: f64, unit: &str, ticks: u64) {
        self.text(0.0, y, "", unit);
        for tick in 0..=ticks {
            let at = self.window * tick / ticks;
            let per_unit = if unit == "ms" { 1e6 } else { 1e9 };
            let x = self.x(at);
            self.text(x, y, "middle", &number(at as f64 / per_unit));
        }
    }

    /// What a kind of line means: at this place, in the words behind it.
    pub fn key(&mut self, x: f64, y: f64, class: &str, words: &str) {
        self.line((x, y - 5.0), (x + 18.0, y - 5.0), class, 5.0);
        self.text(x + 24.0, y, "", words);
    }

    /// The whole picture, so many pixels high, whose field is between two heights.
    pub fn finish(self, height: f64, field: (f64, f64), title: &str, description: &str) -> String {
        let (top, bottom) = field;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline model\" viewBox=\"0 0 {WIDTH} {height}\" \
             role=\"img\" data-field=\"{FIELD_START} {top} {FIELD_END} {bottom}\"><title>{}</title>\
             <desc>{}</desc>\n{}</svg>\n",
            escape(title),
            escape(description),
            self.body
        )
    }
}

/// A number with as many digits as tell something: three, and no zeros at the end of a fraction.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A length of time in milliseconds.
pub fn milliseconds(time: Nanos) -> String {
    format!("{} ms", number(time as f64 / 1e6))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
