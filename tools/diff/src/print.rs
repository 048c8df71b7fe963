//! Differences on the terminal.

use similar::{ChangeTag, TextDiff};

use output::terminal::{DIM, GREEN, RED, RESET};

/// The width of one side, in characters.
const SIDE_WIDTH: usize = 76;

/// A line that begins with `+`, `-` or a space; `@@` where unchanged ones are left out.
pub fn print_line(line: &str) {
    let colour = match line.as_bytes().first() {
        Some(b'+') => GREEN,
        Some(b'-') => RED,
        Some(b'@') => DIM,
        _ => return anstream::println!("{line}"),
    };
    anstream::println!("{colour}{line}{RESET}");
}

/// Lines that were removed on the left, beside those that took their place on the right.
pub fn print_beside(diff: &TextDiff<'_, '_, str>) {
    for group in diff.grouped_ops(2) {
        anstream::println!("{DIM}{}{RESET}", "-".repeat(2 * SIDE_WIDTH + 3));
        for op in group {
            let side = |tag: ChangeTag| -> Vec<String> {
                let changes = diff.iter_changes(&op);
                let changes = changes.filter(|change| change.tag() == tag);
                changes.map(|change| cut(change.value())).collect()
            };
            for line in side(ChangeTag::Equal) {
                anstream::println!("{line:<SIDE_WIDTH$} | {line}");
            }
            let (left, right) = (side(ChangeTag::Delete), side(ChangeTag::Insert));
            for index in 0..left.len().max(right.len()) {
                let line = |side: &[String]| side.get(index).cloned().unwrap_or_default();
                let (left, right) = (line(&left), line(&right));
                anstream::println!("{RED}{left:<SIDE_WIDTH$}{RESET} | {GREEN}{right}{RESET}");
            }
        }
    }
}

/// A line that fits on one side.
fn cut(line: &str) -> String {
    line.trim_end().chars().take(SIDE_WIDTH).collect()
}
