//! What differs from run to run: `[..]`, and with the value of the run that was recorded `[..|0.42 ms]`.

use std::sync::LazyLock;

use mdbook_core::utils::escape_html;
use regex::{Captures, Regex};

use crate::regex;

/// The sample may hold what would end it, or say so, behind a backslash.
static WILDCARD: LazyLock<Regex> = LazyLock::new(|| regex(r"\[\.\.(?:\|((?:\\.|[^\\\]])*))?\]"));

/// What marks a sample in HTML.
pub const SAMPLE: &str = "class=\"sample\"";

/// What a page says of its samples, in HTML, once.
pub const LEGEND: &str =
    "<span class=\"sample\">this</span> was so in one recorded run; yours will differ";

/// A part of a line that a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// It is the same in each run.
    Fixed(String),
    /// It differs. What it was in the recorded run, if that is known.
    Differs(Option<String>),
}

/// The pieces of a line.
pub fn pieces(line: &str) -> Vec<Piece> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    for found in WILDCARD.captures_iter(line) {
        let whole = found.get_match();
        let sample = found.get(1).map(|sample| unescaped(sample.as_str()));
        pieces.push(Piece::Fixed(line[at..whole.start()].to_owned()));
        pieces.push(Piece::Differs(sample));
        at = whole.end();
    }
    pieces.push(Piece::Fixed(line[at..].to_owned()));
    pieces.retain(|piece| *piece != Piece::Fixed(String::new()));
    pieces
}

/// Whether something in a line differs, and nobody has recorded how.
pub fn lacks_sample(line: &str) -> bool {
    pieces(line).contains(&Piece::Differs(None))
}

/// The line with these samples, in their order.
pub fn recorded(line: &str, samples: &mut impl Iterator<Item = String>) -> String {
    let recorded = |_: &Captures| match samples.next() {
        Some(sample) => format!("[..|{}]", escaped(&sample)),
        None => "[..]".to_owned(),
    };
    WILDCARD.replace_all(line, recorded).into_owned()
}

/// What is typed and what is printed, as a reader sees it, in HTML: the samples are set apart.
pub fn html(body: &str) -> String {
    let lines = body.lines().map(|line| match line.starts_with("$ ") {
        true => escape_html(line).into_owned(),
        false => pieces(line).into_iter().map(piece_html).collect(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn piece_html(piece: Piece) -> String {
    match piece {
        Piece::Fixed(text) => escape_html(&text).into_owned(),
        Piece::Differs(None) => "[..]".to_owned(),
        Piece::Differs(Some(sample)) => format!(
            "<span {SAMPLE} title=\"recorded once; yours will differ\">{}</span>",
            escape_html(&sample)
        ),
    }
}

fn escaped(sample: &str) -> String {
    sample.replace('\\', r"\\").replace(']', r"\]")
}

fn unescaped(sample: &str) -> String {
    let mut signs = sample.chars();
    let mut text = String::new();
    while let Some(sign) = signs.next() {
        let sign = if sign == '\\' {
            signs.next()
        } else {
            Some(sign)
        };
        text.extend(sign);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_stands_inside_of_what_differs() {
        let fixed = |text: &str| Piece::Fixed(text.to_owned());
        let differs = |text: &str| Piece::Differs(Some(text.to_owned()));
        assert_eq!(
            pieces("p99 [..|0.42 ms], [..] in all"),
            [
                fixed("p99 "),
                differs("0.42 ms"),
                fixed(", "),
                Piece::Differs(None),
                fixed(" in all")
            ]
        );
        assert_eq!(pieces("[..|]"), [differs("")]);
        assert_eq!(pieces("[.. |a] [1]"), [fixed("[.. |a] [1]")]);
    }

    #[test]
    fn a_sample_may_hold_anything() {
        for sample in ["", "a|b", "[a] b]", r"a\", r"\]", "[..]", "[..|x]"] {
            let samples = [sample, "z"].map(str::to_owned);
            let line = recorded("a [..] b [..|old]", &mut samples.into_iter());
            let found = pieces(&line);
            assert_eq!(found[1], Piece::Differs(Some(sample.into())), "{line}");
            assert_eq!(found[3], Piece::Differs(Some("z".into())), "{line}");
        }
    }

    #[test]
    fn a_sample_is_set_apart_and_a_command_is_not() {
        let body = "$ echo '[..|a]' <b\n<a> [..|<b>]\n\n[..]\n";
        let expected = "$ echo '[..|a]' &lt;b\n&lt;a&gt; <span class=\"sample\" title=\"recorded once; yours will differ\">&lt;b&gt;</span>\n\n[..]";
        assert_eq!(html(body), expected);
    }
}
