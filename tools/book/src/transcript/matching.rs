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
    lengths(expected, found)
        .iter()
        .position(|is_match| *is_match)
}

/// For every number of lines, from 0, whether so many lines are what a page says.
fn lengths(expected: &[String], found: &[String]) -> Vec<bool> {
    let mut reached = vec![false; found.len() + 1];
    reached[0] = true;
    let expected = expected
        .iter()
        .rposition(|line| !line.is_empty())
        .map_or(&expected[..0], |last| &expected[..=last]);
    for line in expected {
        if line.trim() == "..." {
            let first = reached
                .iter()
                .position(|is_reached| *is_reached)
                .unwrap_or(reached.len());
            reached[first..].fill(true);
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
    let mut kept = expected
        .iter()
        .filter(|line| line.contains("[..]"))
        .peekable();
    let with_placeholders = found.iter().map(|line| match kept.peek() {
        Some(old) if line_matches(old, line) => kept.next().expect("there is one").clone(),
        _ => line.clone(),
    });
    let lines: Vec<String> = with_placeholders.collect();
    // "..." at the start or at the end goes on standing for what is not worth showing.
    let dots = |line: &String| line.trim() == "...";
    let start = if expected.first().is_some_and(dots) {
        let next = expected.iter().find(|line| !dots(line) && !line.is_empty());
        next.and_then(|next| lines.iter().position(|line| line_matches(next, line)))
    } else {
        None
    };
    let end = if expected.last().is_some_and(dots) {
        let last = expected
            .iter()
            .rfind(|line| !dots(line) && !line.is_empty());
        last.and_then(|last| lines.iter().rposition(|line| line_matches(last, line)))
    } else {
        None
    };
    let mut blessed = Vec::new();
    blessed.extend(start.map(|_| "...".to_owned()));
    let (from, to) = (start.unwrap_or(0), end.map_or(lines.len(), |end| end + 1));
    blessed.extend(lines[from.min(to)..to].iter().cloned());
    blessed.extend(end.map(|_| "...".to_owned()));
    blessed
}

/// The first difference, as one reads it.
pub fn difference(expected: &[String], found: &[String]) -> String {
    let show = |sign: &str, lines: &[String]| {
        let lines = lines
            .iter()
            .map(|line| format!("    {sign} {line}").trim_end().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    };
    format!("\n{}\n{}", show("page |", expected), show("here |", found))
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
