//! What a script reads, as JSON.

use std::fmt::Write;

use super::{Drawn, FIGURES, Figure, Kind, Measured};

pub fn figure(figure: &Figure, measured: &Measured) -> String {
    let answers = figure.guess.answers.iter();
    let answers = answers.map(|(words, value)| format!("[{},{value}]", text(words)));
    let controls = figure.controls.iter().map(|control| {
        let (label, first) = (text(control.label), control.first);
        let kind = match control.kind {
            Kind::Slide(values, unit) => format!(
                "\"values\":{},\"unit\":{}",
                list(values.iter().map(f64::to_string)),
                text(unit)
            ),
            Kind::Choice(names) => {
                format!("\"names\":{}", list(names.iter().map(|name| text(name))))
            }
            Kind::Moment => "\"moment\":true".to_owned(),
        };
        format!("{{\"label\":{label},\"first\":{first},{kind}}}")
    });
    let place = FIGURES.iter().position(|known| known.name == figure.name);
    format!(
        "{{\"place\":{},\"measured\":{},\"plays_for\":{},\"answers\":{},\"controls\":{}}}",
        place.unwrap_or(FIGURES.len()),
        list(measured.numbers().iter().map(f64::to_string)),
        figure.plays_for,
        list(answers),
        list(controls)
    )
}

pub fn drawn(drawn: &Drawn) -> String {
    let events = drawn.events.iter();
    let events = events.map(|(at, what)| format!("{{\"at\":{at},\"what\":{}}}", text(what)));
    let rows = drawn.table.iter();
    let rows = rows.map(|row| list(row.iter().map(|cell| text(cell))));
    format!(
        "{{\"svg\":{},\"window\":{},\"events\":{},\"table\":{},\"answer\":{},\"because\":{}}}",
        text(&drawn.svg),
        drawn.window,
        list(events),
        list(rows),
        drawn.answer,
        text(&drawn.because)
    )
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// A string of JSON. It also may stand in a script of a page, which a `<` could end.
fn text(plain: &str) -> String {
    let mut text = String::with_capacity(plain.len() + 2);
    text.push('"');
    for letter in plain.chars() {
        match letter {
            '"' | '\\' => {
                text.push('\\');
                text.push(letter);
            }
            '\n' => text.push_str("\\n"),
            '<' => text.push_str("\\u003c"),
            letter if letter < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            letter => text.push(letter),
        }
    }
    text.push('"');
    text
}
