//! Whether what was printed is what a page says, with `[..]` for anything within a line and `...` for
//! any lines.

use std::{slice, sync::LazyLock};

use regex::Regex;

use super::sample::{Piece, lacks_sample, pieces, recorded};
use crate::regex;

/// What cargo says of its own work. It depends on what was built before, so no page shows it.
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^ +(?:Compiling|Checking|Building|Finished|Running|Blocking|Updating|Locking|Adding|Downloading|Downloaded|Fresh|Dirty|Waiting|Installing|Installed|Unpacking|Removed|Doc-tests) |^warning: spurious network error",
    )
});

/// The lines of an output that count: without cargo's progress, spaces at the end, and empty lines at the end.
pub fn significant(output: &str) -> Vec<String> {
    let lines = output
        .lines()
        .map(str::trim_end)
        .filter(|line| !PROGRESS.is_match(line));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// What a page says, as an expression for the lines, each with its end, from the first one. It has a group
/// for each `[..]`.
fn expression(expected: &[String], end: &str) -> Regex {
    let mut text = r"\A".to_owned();
    let last = expected.iter().rposition(|line| !line.is_empty());
    for line in &expected[..last.map_or(0, |last| last + 1)] {
        if is_dots(line) {
            text += r"(?:.*\n)*?";
            continue;
        }
        for piece in pieces(line) {
            text += &match piece {
                Piece::Fixed(fixed) => ::regex::escape(&fixed),
                Piece::Differs(_) => "(.*)".to_owned(),
            };
        }
        text += r"\n";
    }
    regex(&(text + end))
}

fn is_dots(line: &str) -> bool {
    line.trim() == "..."
}

fn joined(lines: &[String]) -> String {
    lines
        .iter()
        .fold(String::new(), |text, line| text + line + "\n")
}

/// Whether the lines are what a page says.
pub fn matches(expected: &[String], found: &[String]) -> bool {
    expression(expected, r"\z").is_match(&joined(found))
}

/// What stands in the place of each `[..]`; `None` if the lines are not what a page says.
fn samples(expected: &[String], found: &[String]) -> Option<Vec<String>> {
    let found = joined(found);
    let groups = expression(expected, r"\z").captures(&found)?;
    let samples = groups.iter().skip(1).flatten();
    Some(samples.map(|sample| sample.as_str().to_owned()).collect())
}

/// How many lines, from the first, are what a page says: as few as possible.
pub fn beginning(expected: &[String], found: &[String]) -> Option<usize> {
    let found = joined(found);
    let beginning = expression(expected, "").find(&found)?;
    Some(beginning.as_str().lines().count())
}

/// Whether a line is what a page says.
fn line_matches(expected: &String, found: &String) -> bool {
    matches(slice::from_ref(expected), slice::from_ref(found))
}

/// What a page should say: what was found, with the placeholders of what the page said where they
/// still fit. The samples in them stay, too, unless one is missing or all are wanted `anew`: those of one
/// output are of one run.
pub fn blessed(expected: &[String], found: &[String], anew: bool) -> Vec<String> {
    if let Some(samples) = samples(expected, found) {
        let is_recorded = !expected.iter().any(|line| lacks_sample(line));
        return match is_recorded && !anew {
            true => expected.to_vec(),
            false => {
                let mut samples = samples.into_iter();
                let lines = expected.iter();
                lines.map(|line| recorded(line, &mut samples)).collect()
            }
        };
    }
    let kept = expected.iter().filter(|line| {
        let pieces = pieces(line);
        pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Differs(_)))
    });
    let mut kept = kept.peekable();
    let with_placeholders = found.iter().map(|line| {
        let old = kept.next_if(|old| line_matches(old, line));
        let samples = old.and_then(|old| samples(slice::from_ref(old), slice::from_ref(line)));
        recorded(
            old.unwrap_or(line),
            &mut samples.unwrap_or_default().into_iter(),
        )
    });
    let mut lines: Vec<String> = with_placeholders.collect();
    // "..." at the start or at the end goes on standing for what is not worth showing.
    let is_shown = |line: &&String| !is_dots(line) && !line.is_empty();
    if expected.last().is_some_and(|line| is_dots(line))
        && let Some(last) = expected.iter().rfind(is_shown)
        && let Some(end) = lines.iter().rposition(|line| line_matches(last, line))
    {
        lines.truncate(end + 1);
        lines.push("...".to_owned());
    }
    if expected.first().is_some_and(|line| is_dots(line))
        && let Some(first) = expected.iter().find(is_shown)
        && let Some(start) = lines.iter().position(|line| line_matches(first, line))
    {
        lines.splice(..start, ["...".to_owned()]);
    }
    lines
}

/// Lines below each other, with a sign in front of each.
pub fn listed(sign: &str, lines: &[String]) -> String {
    let lines = lines.iter();
    lines.fold(String::new(), |text, line| {
        text + format!("\n    {sign} {line}").trim_end()
    })
}

/// Both sides of a difference.
pub fn difference(expected: &[String], found: &[String]) -> String {
    listed("page |", expected) + &listed("here |", found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split_terminator('|').map(str::to_owned).collect()
    }

    #[test]
    fn placeholders_stand_for_anything_in_a_line_and_dots_for_any_lines() {
        for (expected, found, is_match) in [
            ("[..]", "|", true),
            ("a [..] c", "a b c", true),
            ("[..]c", "abc", true),
            ("x [..] y [..] z", "x 1 y 2 y 3 z", true),
            ("a", "ab", false),
            ("a [..] c", "a b d", false),
            ("[..]c", "ab", false),
            ("ab[..]b", "ab", false),
            (".", "a", false),
            ("", "a", false),
            ("a|b", "a|b", true),
            ("...|b", "x|a|b", true),
            ("...", "", true),
            ("a|...|d|...", "a|b|c|d|e", true),
            ("a|", "a", true),
            ("a", "a|b", false),
            ("a|b", "a", false),
            ("[..]", "a|b", false),
            ("...|b", "b|c", false),
            ("a|...|d", "a|b|c", false),
        ] {
            let found_match = matches(&lines(expected), &lines(found));
            assert_eq!(found_match, is_match, "{expected:?} {found:?}");
        }
    }

    #[test]
    fn a_beginning_is_as_short_as_possible() {
        for (expected, found, length) in [
            ("...|b", "a|b|c|b", Some(2)),
            ("a|...", "a|b", Some(1)),
            ("...|b|...|c", "b|a|c|c", Some(3)),
            ("b", "a|b", None),
        ] {
            assert_eq!(
                beginning(&lines(expected), &lines(found)),
                length,
                "{expected}"
            );
        }
    }

    #[test]
    fn the_progress_of_cargo_does_not_count() {
        let output = "   Compiling x v0.1.0\n    Finished `dev` profile\n\n  page   http://x  \n\n";
        assert_eq!(significant(output), ["", "  page   http://x"]);
    }

    #[track_caller]
    fn blesses(expected: &str, found: &str, anew: bool, result: &str) {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        let blessed = blessed(&lines(expected), &lines(found), anew);
        assert_eq!(blessed, lines(result), "{expected:?} {found:?}");
    }

    #[test]
    fn blessing_keeps_the_placeholders_that_still_fit() {
        for (expected, found, result) in [
            ("old", "new\nlines", "new\nlines"),
            ("a [..]\nold", "a 1\nnew", "a [..|1]\nnew"),
            ("a [..|7]\nold", "a 1\nnew", "a [..|1]\nnew"),
            ("...\na [..]\nold\n...", "x\na 1\nnew", "...\na [..|1]\nnew"),
            ("...\na\n...", "x\na\ny", "...\na\n..."),
        ] {
            blesses(expected, found, false, result);
        }
    }

    #[test]
    fn blessing_keeps_the_samples_of_an_output_if_none_is_missing() {
        let found = "a 1\nb\nc ";
        for (expected, anew, result) in [
            ("a [..|7]\n...\nc [..|8]", false, "a [..|7]\n...\nc [..|8]"),
            ("a [..|7]\n...\nc [..]", false, "a [..|1]\n...\nc [..|]"),
            ("a [..|7]\n...\nc [..|8]", true, "a [..|1]\n...\nc [..|]"),
        ] {
            blesses(expected, found, anew, result);
        }
        blesses("[..] of [..]", "[1] of b", false, "[..|[1\\]] of [..|b]");
    }
}
