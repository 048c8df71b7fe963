//! Parts of files: what stands between `ANCHOR: name` and `ANCHOR_END: name`, or an item of a Rust file.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use mdbook_core::utils::fs;
use own_step::exercise;
use steps::{Mark, without_marks};

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

/// Reads what `argument` names: a path relative to `folder`, perhaps with `:anchor` or `::Item.method` behind it.
///
/// # Errors
///
/// When there is no such file or no such part: one line for whoever wrote the page.
pub fn include(root: &Path, folder: &Path, argument: &str) -> Result<Included> {
    let (path, part) = match argument.split_once(':') {
        Some((path, part)) => (path, Some(part)),
        None => (argument, None),
    };
    let item = part.and_then(|part| part.strip_prefix(':'));
    let anchor = part.filter(|_| item.is_none());
    ensure!(
        !anchor.is_some_and(|anchor| anchor.starts_with(|sign: char| !sign.is_alphabetic())),
        "{argument}: line numbers drift; set an anchor in {path} and name it"
    );
    let file = folder.join(path).canonicalize().map_err(|error| {
        anyhow!("cannot include {path}: {error}; is it the right path, relative to the page?")
    })?;
    let name = file.strip_prefix(root.canonicalize()?).map_err(|_| {
        anyhow!("{path} lies outside of the repository; include only what is in it")
    })?;
    let name = name.to_string_lossy().into_owned();
    let text = fs::read_to_string(&file)?;
    let part = match (anchor, item) {
        (_, Some(item)) => diff::item(&name, &without_marks(&text), item).with_context(|| {
            format!("{name} has no item {item}; name one such as KEY, visit or Counter.visit")
        })?,
        (Some(anchor), None) => between(&text, anchor).with_context(|| {
            let names: Vec<&str> = anchors(&text).map(|(_, name)| name).collect();
            format!(
                "{name} has no part between `ANCHOR: {anchor}` and `ANCHOR_END: {anchor}`; it has {names:?}"
            )
        })?,
        (None, None) if name.ends_with(".patch") => without_marks(&exercise::shown(&text)),
        (None, None) => without_marks(&text),
    };
    Ok(Included {
        file: name,
        anchor: anchor.map(str::to_owned),
        text: textwrap::dedent(&part),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\n// ANCHOR: outer\n    b\n    // ANCHOR: inner\n    if c {\n        d\n    }\n    // ANCHOR_END: inner\n// ANCHOR_END: outer\n";

    #[test]
    fn a_part_has_no_marks_and_starts_at_the_left_edge() {
        let part = |name| between(TEXT, name).map(|part| textwrap::dedent(&part));
        assert_eq!(part("outer").as_deref(), Some("b\nif c {\n    d\n}\n"));
        assert_eq!(part("inner").as_deref(), Some("if c {\n    d\n}\n"));
        assert_eq!(part("other"), None);
        assert_eq!(between("# ANCHOR: x\na\n", "x"), None);
    }
}
