//! Parts of files, between `ANCHOR: name` and `ANCHOR_END: name`.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use steps::{Mark, without_marks};

use crate::{exercise, source::relative};

/// What an `{{#include}}` brought.
#[derive(Debug)]
pub struct Included {
    /// The file, from the root of the repository.
    pub file: String,
    /// The name of the anchor, if one was asked for.
    pub anchor: Option<String>,
    /// The text, without marks, moved to the left edge.
    pub text: String,
}

/// Reads what `argument` names: a path relative to `folder`, perhaps with `:anchor` behind it.
///
/// # Errors
///
/// When there is no such file or no such anchor: one line for whoever wrote the page.
pub fn include(root: &Path, folder: &Path, argument: &str) -> Result<Included, String> {
    let (path, anchor) = match argument.split_once(':') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (argument, None),
    };
    let is_number = |sign: char| sign.is_ascii_digit() || sign == ':';
    if anchor.is_some_and(|anchor| anchor.chars().all(is_number)) {
        return Err(format!(
            "{argument}: line numbers drift; set an anchor in {path} and name it"
        ));
    }
    let file = normal(&folder.join(path));
    if !file.starts_with(root) {
        return Err(format!(
            "{path} lies outside of the repository; include only what is in it"
        ));
    }
    let name = relative(&file, root);
    let text = fs::read_to_string(&file).map_err(|error| {
        format!("cannot include {name}: {error}; is it the right path, relative to the page?")
    })?;
    let part = match anchor {
        Some(anchor) => between(&text, anchor).ok_or_else(|| missing(&name, anchor, &text))?,
        None if name.ends_with(".patch") => without_marks(&exercise::shown(&text)),
        None => without_marks(&text),
    };
    Ok(Included {
        file: name,
        anchor: anchor.map(str::to_owned),
        text: dedented(&part),
    })
}

fn missing(file: &str, anchor: &str, text: &str) -> String {
    let names: Vec<&str> = anchors(text).map(|(_, name)| name).collect();
    let known = match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    format!(
        "{file} has no part between `ANCHOR: {anchor}` and `ANCHOR_END: {anchor}`; it has: {known}"
    )
}

/// The anchors of a text: line, from 1, and name.
pub fn anchors(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(index, line)| match Mark::of(line) {
        Some(Mark::Start(name)) => Some((index + 1, name)),
        _ => None,
    })
}

/// The lines between the two marks of a name, without any marks.
fn between(text: &str, name: &str) -> Option<String> {
    let position = |mark| text.lines().position(|line| Mark::of(line) == Some(mark));
    let (start, end) = (position(Mark::Start(name))?, position(Mark::End(name))?);
    let lines = text.lines().skip(start + 1);
    let lines: Vec<&str> = lines.take(end.checked_sub(start + 1)?).collect();
    Some(without_marks(&lines.join("\n")))
}

/// Moves a text to the left by what all its lines have in common.
fn dedented(text: &str) -> String {
    let indentation = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let common = text.lines().filter(|line| !line.trim().is_empty());
    let common = common.map(|line| indentation(&line)).min().unwrap_or(0);
    let lines = text
        .lines()
        .map(|line| line.get(common..).unwrap_or_default());
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// A path without `.` and `..`, whether or not it exists.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\n// ANCHOR: outer\n    b\n    // ANCHOR: inner\n    if c {\n        d\n    }\n    // ANCHOR_END: inner\n// ANCHOR_END: outer\n";

    #[test]
    fn a_part_has_no_marks_and_starts_at_the_left_edge() {
        let part = |name| between(TEXT, name).map(|part| dedented(&part));
        assert_eq!(part("outer").as_deref(), Some("b\nif c {\n    d\n}\n"));
        assert_eq!(part("inner").as_deref(), Some("if c {\n    d\n}\n"));
        assert_eq!(part("other"), None);
    }

    #[test]
    fn a_part_without_an_end_is_no_part() {
        assert_eq!(between("# ANCHOR: x\na\n", "x"), None);
        assert_eq!(
            between("# ANCHOR: x\na\n# ANCHOR_END: x\n", "x").as_deref(),
            Some("a\n")
        );
    }

    #[test]
    fn anchors_are_listed_with_their_lines() {
        let names: Vec<_> = anchors(TEXT).collect();
        assert_eq!(names, [(2, "outer"), (4, "inner")]);
    }
}
