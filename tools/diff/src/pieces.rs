//! The difference between two versions of a file, cut into pieces that a chapter can walk through.
//!
//! A piece is what changed in one item: a function, a type, the `use` lines, a table of the manifest.
//! Its name is the item's.

use crate::{CONTEXT_LINES, Changed};
use similar::ChangeTag;
use syn::{ImplItem, Item, ItemImpl, Type, spanned::Spanned};

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

/// What changed in a file, in the order of the file.
pub fn pieces(changed: &Changed) -> Vec<Piece> {
    let names = |text| item_names(&changed.file.to_string_lossy(), text);
    let (old_names, new_names) = (names(&changed.old), names(&changed.new));
    let mut pieces: Vec<(String, Vec<(ChangeTag, String)>)> = Vec::new();
    for change in changed.lines().iter_all_changes() {
        // What is new or the same has its place in the new file. What is gone had it in the old one.
        let name = match (change.new_index(), change.old_index()) {
            (Some(index), _) => new_names.get(index),
            (None, Some(index)) => old_names.get(index),
            (None, None) => None,
        };
        let name = name.cloned().unwrap_or_default();
        let line = change.value().trim_end_matches('\n').to_owned();
        match pieces.iter_mut().find(|(known, _)| *known == name) {
            Some((_, lines)) => lines.push((change.tag(), line)),
            None => pieces.push((name, vec![(change.tag(), line)])),
        }
    }
    let is_change =
        |(tag, line): &(ChangeTag, String)| *tag != ChangeTag::Equal && !line.trim().is_empty();
    pieces.retain(|(_, lines)| lines.iter().any(is_change));
    let pieces = pieces.into_iter();
    pieces.map(|(name, lines)| piece(name, &lines)).collect()
}

/// Leaves out the unchanged lines that are far from any change, and the empty lines at the edges.
fn piece(name: String, lines: &[(ChangeTag, String)]) -> Piece {
    let is_empty = |line: &&(ChangeTag, String)| line.1.trim().is_empty();
    let before = lines.iter().take_while(is_empty).count();
    let after = lines.iter().rev().take_while(is_empty).count();
    let lines = &lines[before..lines.len() - after];
    let is_near = |index: usize| {
        let near = index.saturating_sub(CONTEXT_LINES)..lines.len().min(index + CONTEXT_LINES + 1);
        let mut near = lines[near].iter();
        near.any(|(tag, _)| *tag != ChangeTag::Equal)
    };
    let (mut shown, mut is_gap) = (Vec::new(), false);
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
    let starts = if file.ends_with(".rs") {
        rust_items(text, &lines)
    } else if file.ends_with(".toml") {
        let tables = lines.iter().enumerate();
        let table = |line: &&str| Some(line.strip_prefix('[')?.trim_end_matches(']').to_owned());
        tables
            .filter_map(|(index, line)| Some((index, table(line)?)))
            .collect()
    } else {
        vec![(0, "all".to_owned())]
    };
    let mut names = vec!["top".to_owned(); lines.len()];
    for (start, name) in starts {
        names[start..].fill(name);
    }
    names
}

/// The items of a Rust file in order: the index of the first line, comments and attributes included, and
/// the name. A file that does not parse is one item.
fn rust_items(text: &str, lines: &[&str]) -> Vec<(usize, String)> {
    let Ok(file) = syn::parse_file(text) else {
        return vec![(0, "all".to_owned())];
    };
    let mut starts = Vec::new();
    for item in &file.items {
        let start = first_line(item, lines);
        match item {
            Item::Impl(item) => implementation(item, start, lines, &mut starts),
            item => starts.extend(name(item).map(|name| (start, name))),
        }
    }
    starts
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Use(_) => return Some("use".to_owned()),
        Item::Mod(_) => return Some("mod".to_owned()),
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// The line and the brace of an `impl` are one item, and each method is another. A trait's `impl` is one
/// as a whole: its methods mean little without it.
fn implementation(
    item: &ItemImpl,
    start: usize,
    lines: &[&str],
    starts: &mut Vec<(usize, String)>,
) {
    let header = lines[item.impl_token.span.start().line - 1].trim_start_matches("impl");
    let header = header.trim_end_matches(['{', '}', ' ']).trim();
    let name = format!("impl-{}", header.replace(' ', "-"));
    starts.push((start, name.clone()));
    if item.trait_.is_some() {
        return;
    }
    let owner = match item.self_ty.as_ref() {
        Type::Path(path) => path.path.segments.last().map(|part| part.ident.to_string()),
        _ => None,
    };
    let owner = owner.unwrap_or_default();
    for member in &item.items {
        let ident = match member {
            ImplItem::Const(member) => &member.ident,
            ImplItem::Fn(member) => &member.sig.ident,
            ImplItem::Type(member) => &member.ident,
            _ => continue,
        };
        starts.push((first_line(member, lines), format!("{owner}.{ident}")));
    }
    // An empty line below the brace goes with the last method, at whose edge it is left out.
    let end = item.span().end().line;
    let last = starts.last().map(|(_, name)| name.clone());
    starts.push((end - 1, name));
    starts.extend(last.filter(|_| end < lines.len()).map(|name| (end, name)));
}

/// The index of the first line of an item, from the comments directly above it on.
fn first_line(item: &impl Spanned, lines: &[&str]) -> usize {
    let start = item.span().start().line - 1;
    let above = lines[..start].iter().rev().map(|line| line.trim_start());
    let is_comment = |line: &&str| line.starts_with("// ");
    start - above.take_while(is_comment).count()
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

// Why.
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

    fn pieces(file: &str, old: &str, new: &str) -> Vec<Piece> {
        super::pieces(&Changed {
            file: file.into(),
            old: old.into(),
            new: new.into(),
        })
    }

    #[test]
    fn every_line_belongs_to_an_item() {
        let names = item_names("lib.rs", OLD);
        for (line, expected) in [
            ("//! What it is.", "top"),
            ("b,", "use"),
            ("/// The key.", "KEY"),
            ("// Why.", "app"),
            ("n: u64,", "Counter"),
            ("impl Counter {", "impl-Counter"),
            ("/// Counts.", "Counter.visit"),
            ("fn other(&self) {}", "Counter.other"),
            ("impl From<E> for AppError {", "impl-From<E>-for-AppError"),
            ("Self(e)", "impl-From<E>-for-AppError"),
        ] {
            let index = OLD.lines().position(|found| found.trim() == line).unwrap();
            assert_eq!(names[index], expected, "{line}");
        }
    }

    #[test]
    fn a_piece_is_what_changed_in_one_item() {
        let new = OLD
            .replace("        1\n", "        2\n")
            .replace("What it is.", "What it was.");
        let pieces = pieces("lib.rs", OLD, &new);
        let names: Vec<&str> = pieces.iter().map(|piece| piece.name.as_str()).collect();
        assert_eq!(names, ["top", "Counter.visit"]);
        let lines =
            "     /// Counts.|     pub async fn visit(&self) -> u64 {|-        1|+        2|     }";
        assert_eq!(pieces[1].lines.join("|"), lines);
        assert_eq!(pieces[1].counts, (1, 1));
    }

    #[test]
    fn all_changes_are_in_some_piece() {
        let pieces = pieces("lib.rs", OLD, "pub fn app() -> Router {\n    two()\n}\n");
        let removed: usize = pieces.iter().map(|piece| piece.counts.1).sum();
        let expected = OLD.lines().filter(|line| !line.trim().is_empty()).count() - 2;
        assert!(removed >= expected, "{removed} of {expected}: {pieces:?}");
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
