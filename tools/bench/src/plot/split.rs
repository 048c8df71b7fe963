//! Where the processor time of a response goes: one bar a server, split by whose code runs.

use super::svg::{BLUE, FIELD_END, FIELD_START, Fill, GREEN, ORANGE, Picture, middle_of};
use crate::profile::{Part, Profile, Split};
use crate::units::{count, short};

/// How a part is drawn, and where the legend names it: in two lines, since the words are larger on a phone.
fn style(part: Part) -> (&'static str, Fill, (f64, f64)) {
    match part {
        Part::Kernel => (BLUE, Fill::Solid, (2.0, 40.0)),
        Part::Tokio => (GREEN, Fill::Solid, (180.0, 40.0)),
        Part::Hyper => (ORANGE, Fill::Solid, (330.0, 40.0)),
        Part::Framework => (BLUE, Fill::Pale, (480.0, 40.0)),
        Part::RedisClient => (ORANGE, Fill::Striped, (2.0, 63.0)),
        Part::Own => (GREEN, Fill::Striped, (180.0, 63.0)),
        Part::Rest => (BLUE, Fill::Hollow, (330.0, 63.0)),
    }
}

/// The width of a sample in the legend.
const SAMPLE_WIDTH: f64 = 20.0;

/// The longest bar, in microseconds. `None` where there is no bar.
fn longest(profile: &Profile) -> Option<f64> {
    let all = profile.servers.iter().map(|server| server.server_us);
    all.max_by(f64::total_cmp).filter(|longest| *longest > 0.0)
}

pub(super) fn draw(profile: &Profile) -> Option<Picture> {
    let longest = longest(profile)?;
    let x = |us: f64| FIELD_START + (FIELD_END - FIELD_START) * us / longest;
    let title = format!(
        "{} connections: processor time of the server, µs a response",
        count(f64::from(profile.connections))
    );
    let servers: Vec<String> = profile.servers.iter().map(describe).collect();
    let description = format!("{title}. {}.", servers.join("; "));
    let mut picture = Picture::field(title, description, servers.len());
    for part in Part::ALL {
        let (colour, fill, (x, y)) = style(part);
        picture.bar(y, x, x + SAMPLE_WIDTH, colour, fill);
        picture.text(x + SAMPLE_WIDTH + 6.0, y + 5.0, "start", part.name());
    }
    for (line, server) in profile.servers.iter().enumerate() {
        let y = middle_of(line);
        picture.name(y, &server.name);
        let mut from = 0.0;
        for part in Part::ALL {
            let us = server.microseconds(part);
            if us > 0.0 {
                let (colour, fill, _) = style(part);
                picture.bar(y, x(from), x(from + us), colour, fill);
            }
            from += us;
        }
        picture.text(x(from) + 14.0, y + 5.0, "start", &short(from));
    }
    Some(picture)
}

fn describe(server: &Split) -> String {
    let part = |part: Part| format!("{} {}", part.name(), short(server.microseconds(part)));
    format!(
        "{} {}: {}",
        server.name,
        short(server.server_us),
        Part::ALL.map(part).join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_a_piece_for_each_part_that_was_found() {
        let profile = Profile::sample(&[(Part::Kernel, 300), (Part::Hyper, 75), (Part::Own, 25)]);
        let picture = draw(&profile).unwrap();
        for expected in ["kernel 6.00", "hyper 1.50", "our lines 0.50", "tokio 0.00"] {
            let said = &picture.description;
            assert!(said.contains(expected), "{expected}: {said}");
        }
        let svg = picture.finish();
        let pieces = |width: &str| svg.matches(&format!("width=\"{width}\"")).count();
        // Three quarters, three sixteenths and a sixteenth of the field, which is 410 wide.
        assert_eq!(["307.5", "76.9", "25.6"].map(pieces), [1, 1, 1], "{svg}");
        assert_eq!(
            pieces("20.0"),
            Part::ALL.len(),
            "each part is in the legend"
        );
    }

    #[test]
    fn without_samples_there_is_no_picture_and_no_division_by_zero() {
        let mut profile = Profile::sample(&[]);
        assert!(draw(&profile).unwrap().finish().contains("step-1-memory"));
        profile.servers.clear();
        assert!(draw(&profile).is_none());
    }
}
