//! The difference between two versions of a file, cut into pieces that a chapter can walk through.
//!
//! A piece is what changed in one item: a function, a type, the `use` lines, a table of the manifest.
//! Its name is the item's.

use similar::{ChangeTag, TextDiff};

/// Unchanged lines shown around each change.
const CONTEXT_LINES: usize = 3;

/// What changed in one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The name of the item.
    pub name: String,
    /// Lines that begin with `+`, `-` or a space; `@@` where unchanged ones are left out.
    pub lines: Vec<String>,
    /// How many lines were added, and how many removed.
    pub counts: (usize, usize),
}

/// What changed from `old` to `new`, in the order of the file.
pub fn pieces(file: &str, old: &str, new: &str) -> Vec<Piece> {
    let (old_names, new_names) = (item_names(file, old), item_names(file, new));
    let diff = TextDiff::from_lines(old, new);
    let mut pieces: Vec<(String, Vec<(ChangeTag, String)>)> = Vec::new();
    for change in diff.iter_all_changes() {
        // What is new or the same has its place in the new file. What is gone had it in the old one.
        let name = match (change.new_index(), change.old_index()) {
            (Some(index), _) => new_names.get(index),
            (None, Some(index)) => old_names.get(index),
            (None, None) => None,
        };
        let name = name.cloned().unwrap_or_default();
        let line = (
            change.tag(),
            change.value().trim_end_matches('\n').to_owned(),
        );
        match pieces.iter_mut().find(|(known, _)| *known == name) {
            Some((_, lines)) => lines.push(line),
            None => pieces.push((name, vec![line])),
        }
    }
    pieces.retain(|(_, lines)| {
        lines
            .iter()
            .any(|(tag, line)| *tag != ChangeTag::Equal && !line.trim().is_empty())
    });
    pieces
        .into_iter()
        .map(|(name, lines)| piece(name, &lines))
        .collect()
}

/// Leaves out the unchanged lines that are far from any change, and the empty lines at the edges.
fn piece(name: String, lines: &[(ChangeTag, String)]) -> Piece {
    let is_empty = |line: &&(ChangeTag, String)| line.1.trim().is_empty();
    let before = lines.iter().take_while(is_empty).count();
    let after = lines.iter().rev().take_while(is_empty).count();
    let lines = &lines[before..lines.len() - after];
    let is_near = |index: usize| {
        let from = index.saturating_sub(CONTEXT_LINES);
        let to = lines.len().min(index + CONTEXT_LINES + 1);
        lines[from..to]
            .iter()
            .any(|(tag, _)| *tag != ChangeTag::Equal)
    };
    let mut shown = Vec::new();
    let mut is_gap = false;
    for (index, (tag, line)) in lines.iter().enumerate() {
        if !is_near(index) {
            is_gap = true;
            continue;
        }
        if is_gap && !shown.is_empty() {
            shown.push("@@".to_owned());
        }
        is_gap = false;
        shown.push(format!("{tag}{line}").trim_end().to_owned());
    }
    let count = |wanted| lines.iter().filter(|(tag, _)| *tag == wanted).count();
    Piece {
        name,
        counts: (count(ChangeTag::Insert), count(ChangeTag::Delete)),
        lines: shown,
    }
}

/// For every line of a file, the name of the item that it belongs to.
fn item_names(file: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    if file.ends_with(".rs") {
        rust_items(&lines)
    } else if file.ends_with(".toml") {
        let mut name = "top".to_owned();
        let name_of = |line: &&str| {
            if let Some(table) = line.strip_prefix('[') {
                name = table.trim_end_matches(']').to_owned();
            }
            name.clone()
        };
        lines.iter().map(name_of).collect()
    } else {
        vec!["all".to_owned(); lines.len()]
    }
}

/// Reads the shape that rustfmt gives a file: items begin at the left edge, methods one level in.
/// Comments and attributes belong to what follows them.
fn rust_items(lines: &[&str]) -> Vec<String> {
    let mut names = vec![String::new(); lines.len()];
    // Where the comments before the next item begin, and what the lines until then belong to.
    let (mut pending, mut current) = (None, "top".to_owned());
    let mut owner: Option<String> = None;
    for (index, line) in lines.iter().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let depth = if owner.is_some() { 4 } else { 0 };
        if code.starts_with("//!") {
            names[index].clone_from(&current);
            continue;
        }
        if *line == "}"
            && let Some(owner) = owner.take()
        {
            // The closing brace is the impl's, not its last method's.
            names[index] = owner;
            pending = None;
            continue;
        }
        let is_outer = indentation == depth || indentation == 0;
        if is_outer
            && (code.starts_with("///") || code.starts_with("#[") || code.starts_with("// "))
        {
            pending.get_or_insert(index);
            continue;
        }
        if let Some(item) = is_outer.then(|| item(code)).flatten() {
            let (name, opens) = match (&owner, item) {
                (Some(owner), Item::Named(name)) => {
                    (format!("{}.{name}", owner_name(owner)), false)
                }
                (_, Item::Named(name)) => (name, false),
                // The methods of a trait's impl mean little without it.
                (_, Item::Impl(name)) => {
                    let opens = !line.ends_with('}') && !name.contains("-for-");
                    (name, opens)
                }
            };
            if opens {
                owner = Some(name.clone());
            }
            current = name;
        }
        for name in &mut names[pending.take().unwrap_or(index)..=index] {
            name.clone_from(&current);
        }
    }
    if let Some(start) = pending {
        names[start..].fill(current);
    }
    names
}

enum Item {
    Named(String),
    Impl(String),
}

/// The item that a line begins, if it begins one.
fn item(code: &str) -> Option<Item> {
    if let Some(rest) = code.strip_prefix("impl") {
        let header = rest
            .trim_end_matches(['{', '}', ' '])
            .trim()
            .replace(' ', "-");
        return Some(Item::Impl(format!("impl-{header}")));
    }
    let mut words = code.split_whitespace().skip_while(|word| {
        ["async", "const", "unsafe", "extern"].contains(word) && !code.starts_with("const ")
            || word.starts_with("pub")
    });
    let keyword = words.next()?;
    let name = |word: &str| {
        let end = word.find(|sign: char| !sign.is_alphanumeric() && sign != '_');
        word[..end.unwrap_or(word.len())].to_owned()
    };
    match keyword {
        "use" => Some(Item::Named("use".to_owned())),
        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "mod" => {
            let word = words.next()?;
            Some(Item::Named(if keyword == "mod" {
                "mod".to_owned()
            } else {
                name(word)
            }))
        }
        _ => None,
    }
}

/// The type that an `impl-Counter` is of.
fn owner_name(implementation: &str) -> &str {
    let name = implementation.trim_start_matches("impl-");
    name.split('<').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
//! What it is.

use a::{
    b,
};

/// The key.
const KEY: &str = \"seen\";

/// The service.
pub fn app() -> Router {
    one()
}

pub struct Counter {
    n: u64,
}

impl Counter {
    /// Counts.
    pub async fn visit(&self) -> u64 {
        1
    }

    fn other(&self) {}
}

impl From<E> for AppError {
    fn from(e: E) -> Self {
        Self(e)
    }
}
";

    #[test]
    fn every_line_belongs_to_an_item() {
        let names = item_names("lib.rs", OLD);
        let name =
            |text: &str| names[OLD.lines().position(|line| line.trim() == text).unwrap()].clone();
        assert_eq!(name("//! What it is."), "top");
        assert_eq!(name("b,"), "use");
        assert_eq!(name("/// The key."), "KEY");
        assert_eq!(name("/// The service."), "app");
        assert_eq!(name("n: u64,"), "Counter");
        assert_eq!(name("impl Counter {"), "impl-Counter");
        assert_eq!(name("/// Counts."), "Counter.visit");
        assert_eq!(name("fn other(&self) {}"), "Counter.other");
        assert_eq!(
            name("impl From<E> for AppError {"),
            "impl-From<E>-for-AppError"
        );
        assert_eq!(name("Self(e)"), "impl-From<E>-for-AppError");
    }

    #[test]
    fn a_piece_is_what_changed_in_one_item() {
        let new = OLD
            .replace("        1\n", "        2\n")
            .replace("//! What it is.", "//! What it was.");
        let pieces = pieces("lib.rs", OLD, &new);
        let names: Vec<&str> = pieces.iter().map(|piece| piece.name.as_str()).collect();
        assert_eq!(names, ["top", "Counter.visit"]);
        assert_eq!(
            pieces[1].lines,
            [
                "     /// Counts.",
                "     pub async fn visit(&self) -> u64 {",
                "-        1",
                "+        2",
                "     }"
            ]
        );
        assert_eq!(pieces[1].counts, (1, 1));
    }

    #[test]
    fn all_changes_are_in_some_piece() {
        let pieces = pieces("lib.rs", OLD, "pub fn app() -> Router {\n    two()\n}\n");
        let removed: usize = pieces.iter().map(|piece| piece.counts.1).sum();
        let expected = OLD.lines().filter(|line| !line.trim().is_empty()).count() - 2;
        assert!(
            removed >= expected,
            "{removed} of {expected} lines: {pieces:?}"
        );
    }

    #[test]
    fn far_lines_are_left_out() {
        let old: String = (0..30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("3\n", "x\n").replace("27\n", "y\n");
        let pieces = pieces("a.txt", &old, &new);
        assert!(pieces[0].lines.contains(&"@@".to_owned()), "{pieces:?}");
        assert!(!pieces[0].lines.contains(&" 19".to_owned()), "{pieces:?}");
    }
}
