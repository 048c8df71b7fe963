//! Whether what was printed is what a page says, with `[..]` for anything within a line and `...` for
//! any lines.

use std::sync::LazyLock;

use regex::Regex;

/// What cargo says of its own work. It depends on what was built before, so no page shows it.
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^ +(?:Compiling|Checking|Building|Finished|Running|Blocking|Updating|Locking|Adding|Downloading|Downloaded|Fresh|Dirty|Waiting|Installing|Installed|Unpacking|Removed|Doc-tests) |^warning: spurious network error",
    )
    .expect("the expression is right")
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

/// Whether a line is what a page says.
pub fn line_matches(expected: &str, found: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = parts.next().and_then(|first| found.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether the lines are what a page says.
pub fn matches(expected: &[String], found: &[String]) -> bool {
    lengths(expected, found).last() == Some(&true)
}

/// How many lines, from the first, are what a page says: as few as possible.
pub fn beginning(expected: &[String], found: &[String]) -> Option<usize> {
    let lengths = lengths(expected, found);
    lengths.iter().position(|is_match| *is_match)
}

/// For every number of lines, from 0, whether so many lines are what a page says.
fn lengths(expected: &[String], found: &[String]) -> Vec<bool> {
    let mut reached = vec![false; found.len() + 1];
    reached[0] = true;
    let last = expected.iter().rposition(|line| !line.is_empty());
    for line in &expected[..last.map_or(0, |last| last + 1)] {
        if line.trim() == "..." {
            let first = reached.iter().position(|is_reached| *is_reached);
            reached[first.unwrap_or(found.len() + 1)..].fill(true);
            continue;
        }
        for length in (0..found.len()).rev() {
            reached[length + 1] = reached[length] && line_matches(line, &found[length]);
        }
        reached[0] = false;
    }
    reached
}

/// What a page should say: what was found, with the placeholders of what the page said where they
/// still fit.
pub fn blessed(expected: &[String], found: &[String]) -> Vec<String> {
    if matches(expected, found) {
        return expected.to_vec();
    }
    let kept = expected.iter().filter(|line| line.contains("[..]"));
    let mut kept = kept.peekable();
    let with_placeholders = found.iter().map(|line| {
        let old = kept.next_if(|old| line_matches(old, line));
        old.unwrap_or(line).clone()
    });
    let mut lines: Vec<String> = with_placeholders.collect();
    // "..." at the start or at the end goes on standing for what is not worth showing.
    let dots = |line: &&String| line.trim() == "...";
    let mut shown = expected
        .iter()
        .filter(|line| !dots(line) && !line.is_empty());
    let (first, last) = (shown.clone().next(), shown.next_back());
    let ends_in_dots = expected.last().filter(dots).and(last);
    if let Some(end) = ends_in_dots.and_then(|last| position(&lines, last, true)) {
        lines.truncate(end + 1);
        lines.push("...".to_owned());
    }
    let begins_with_dots = expected.first().filter(dots).and(first);
    if let Some(start) = begins_with_dots.and_then(|first| position(&lines, first, false)) {
        lines.splice(..start, ["...".to_owned()]);
    }
    lines
}

/// Where a line of the page stands among others, from the front or from the back.
fn position(lines: &[String], expected: &str, from_back: bool) -> Option<usize> {
    let is_match = |line: &String| line_matches(expected, line);
    match from_back {
        true => lines.iter().rposition(is_match),
        false => lines.iter().position(is_match),
    }
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
    fn placeholders_stand_for_anything_in_a_line_and_nothing_else() {
        for (expected, found) in [
            ("a", "a"),
            ("[..]", ""),
            ("a [..] c", "a b c"),
            ("[..]c", "abc"),
            ("a[..]", "a"),
            ("x [..] y [..] z", "x 1 y 2 y 3 z"),
        ] {
            assert!(line_matches(expected, found), "{expected} {found}");
        }
        for (expected, found) in [
            ("a", "ab"),
            ("a [..] c", "a b d"),
            ("[..]c", "ab"),
            ("ab[..]b", "ab"),
            ("", "a"),
        ] {
            assert!(!line_matches(expected, found), "{expected} {found}");
        }
    }

    #[test]
    fn dots_stand_for_any_lines() {
        for (expected, found) in [
            ("a|b", "a|b"),
            ("...|b", "x|a|b"),
            ("...", ""),
            ("a|...", "a"),
            ("a|...|d|...", "a|b|c|d|e"),
            ("a|", "a"),
        ] {
            assert!(
                matches(&lines(expected), &lines(found)),
                "{expected} {found}"
            );
        }
        for (expected, found) in [
            ("a", "a|b"),
            ("a|b", "a"),
            ("...|b", "b|c"),
            ("", "a"),
            ("a|...|d", "a|b|c"),
        ] {
            assert!(
                !matches(&lines(expected), &lines(found)),
                "{expected} {found}"
            );
        }
        assert_eq!(beginning(&lines("...|b"), &lines("a|b|c|b")), Some(2));
        assert_eq!(beginning(&lines("b"), &lines("a|b")), None);
    }

    #[test]
    fn the_progress_of_cargo_does_not_count() {
        let output = "   Compiling x v0.1.0\n    Finished `dev` profile\n\n  page   http://x  \n\n";
        assert_eq!(significant(output), ["", "  page   http://x"]);
    }

    #[test]
    fn blessing_keeps_the_placeholders_that_still_fit() {
        let blessed = |expected, found| super::blessed(&lines(expected), &lines(found)).join("|");
        assert_eq!(blessed("old", "new|lines"), "new|lines");
        assert_eq!(blessed("a [..]|old", "a 1|new"), "a [..]|new");
        assert_eq!(blessed("...|a [..]|old|...", "x|a 1|new"), "...|a [..]|new");
        assert_eq!(blessed("...|a|...", "x|a|y"), "...|a|...");
    }
}
