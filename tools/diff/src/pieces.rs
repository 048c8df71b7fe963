//! The difference between two versions of a file, cut into pieces that a chapter can walk through.
//!
//! A piece is what changed in one item: a function, a type, the `use` lines, a table of the manifest.
//! Its name is the item's.

use std::sync::LazyLock;

use regex::Regex;
use similar::ChangeTag;
use syn::{Item, ItemImpl, Type, spanned::Spanned};

use crate::{CONTEXT_LINES, Changed};

/// The name of an item, where rustfmt puts it.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let keywords = "const|enum|fn|static|struct|trait|type";
    let item = format!(r"^\s*(?:pub\S* )?(?:(?:async|const) )*(?:(?:{keywords}) (\w+)|(use|mod) )");
    Regex::new(&item).expect("the expression is right")
});

/// What changed in an item.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// The name of the item.
    pub name: String,
    /// Lines that begin with `+`, `-` or a space; `@@` where unchanged ones are left out.
    pub text: String,
    /// How many lines were added, and how many removed.
    pub counts: (usize, usize),
}

/// What changed in a file, in the order of the file.
pub fn pieces(changed: &Changed) -> Vec<Piece> {
    let names = |text| item_names(&changed.file.to_string_lossy(), text);
    let (old_names, new_names) = (names(&changed.old), names(&changed.new));
    let mut items: Vec<(&String, String, String)> = Vec::new();
    for change in changed.lines().iter_all_changes() {
        // What is new or the same has its place in the new file. What is gone had it in the old one.
        let new = change.new_index().and_then(|index| new_names.get(index));
        let old = change.old_index().and_then(|index| old_names.get(index));
        let Some(name) = new.or(old) else { continue };
        let place = items.iter().position(|(known, ..)| *known == name);
        let place = place.unwrap_or(items.len());
        if place == items.len() {
            items.push((name, String::new(), String::new()));
        }
        let (_, old, new) = &mut items[place];
        if change.tag() != ChangeTag::Insert {
            *old += change.value();
        }
        if change.tag() != ChangeTag::Delete {
            *new += change.value();
        }
    }
    let items = items.into_iter().map(|(name, old, new)| Changed {
        file: name.into(),
        old: without_empty_edges(&old),
        new: without_empty_edges(&new),
    });
    let items = items.filter(|item| item.old != item.new);
    items.map(|item| piece(&item)).collect()
}

/// One item of a file as it is, by the name that its piece of a difference would have.
pub fn item(file: &str, text: &str, name: &str) -> Option<String> {
    let names = item_names(file, text);
    let lines = text.lines().zip(&names);
    let lines = lines.filter(|(_, item)| *item == name);
    let lines: Vec<&str> = lines.map(|(line, _)| line).collect();
    let item = without_empty_edges(&lines.join("\n"));
    (!item.is_empty()).then_some(item)
}

fn without_empty_edges(text: &str) -> String {
    match text.trim_matches('\n') {
        "" => String::new(),
        text => format!("{text}\n"),
    }
}

fn piece(item: &Changed) -> Piece {
    let lines = item.lines();
    let mut diff = lines.unified_diff();
    let hunks = diff.context_radius(CONTEXT_LINES).iter_hunks();
    let hunks = hunks.map(|hunk| {
        let lines = hunk.iter_changes();
        let lines = lines.map(|line| format!("{}{}", line.tag(), line.value()));
        lines.fold(String::new(), |text, line| text + line.trim_end() + "\n")
    });
    Piece {
        name: item.file.to_string_lossy().into_owned(),
        text: hunks.collect::<Vec<_>>().join("@@\n"),
        counts: item.counts(),
    }
}

/// For every line of a file, the name of the item that it belongs to.
fn item_names(file: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let table = |(index, line): (usize, &&str)| {
        let name = line.strip_prefix('[')?.trim_end_matches(']');
        Some((index, name.to_owned()))
    };
    let starts = match file.rsplit('.').next() {
        Some("rs") => rust_items(text, &lines),
        Some("toml") => lines.iter().enumerate().filter_map(table).collect(),
        _ => vec![(0, "all".to_owned())],
    };
    let mut names = vec!["top".to_owned(); lines.len()];
    for (start, name) in starts {
        names[start..].fill(name);
    }
    names
}

/// The items of a Rust file in order: the index of the first line, and the name. A file that does not
/// parse is one item.
fn rust_items(text: &str, lines: &[&str]) -> Vec<(usize, String)> {
    let Ok(file) = syn::parse_file(text) else {
        return vec![(0, "all".to_owned())];
    };
    let mut starts = Vec::new();
    for item in &file.items {
        match item {
            Item::Impl(item) => implementation(item, lines, &mut starts),
            item => starts.extend(named(item, lines)),
        }
    }
    starts
}

/// The first line and the name of an item.
fn named(item: &impl Spanned, lines: &[&str]) -> Option<(usize, String)> {
    let item_lines = &lines[item.span().start().line - 1..item.span().end().line];
    let found = item_lines.iter().find_map(|line| NAME.captures(line))?;
    let name = found.get(1).or(found.get(2))?;
    Some((first_line(item, lines), name.as_str().to_owned()))
}

/// The line and the brace of an `impl` are one item, and each method is another. A trait's `impl` is one
/// as a whole: its methods mean little without it.
fn implementation(item: &ItemImpl, lines: &[&str], starts: &mut Vec<(usize, String)>) {
    let header = lines[item.impl_token.span.start().line - 1].trim_start_matches("impl");
    let header = header.trim_end_matches(['{', '}', ' ']).trim();
    let name = format!("impl-{}", header.replace(' ', "-"));
    starts.push((first_line(item, lines), name.clone()));
    if item.trait_.is_some() {
        return;
    }
    let owner = match item.self_ty.as_ref() {
        Type::Path(path) => path.path.segments.last().map(|part| part.ident.to_string()),
        _ => None,
    };
    let owner = owner.unwrap_or_default();
    let members = item.items.iter().filter_map(|member| named(member, lines));
    starts.extend(members.map(|(start, name)| (start, format!("{owner}.{name}"))));
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
        let (file, old, new) = (file.into(), old.into(), new.into());
        super::pieces(&Changed { file, old, new })
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
    fn an_item_is_found_by_its_name() {
        let visit = "    /// Counts.\n    pub async fn visit(&self) -> u64 {\n        1\n    }\n";
        assert_eq!(item("lib.rs", OLD, "Counter.visit").as_deref(), Some(visit));
        let key = "/// The key.\nconst KEY: &str = \"seen\";\n";
        assert_eq!(item("lib.rs", OLD, "KEY").as_deref(), Some(key));
        assert_eq!(item("lib.rs", OLD, "Counter.leave"), None);
    }

    #[test]
    fn a_piece_is_what_changed_in_one_item() {
        let new = OLD
            .replace("        1\n", "        2\n")
            .replace("What it is.", "What it was.");
        let pieces = pieces("lib.rs", OLD, &new);
        let names: Vec<&str> = pieces.iter().map(|piece| piece.name.as_str()).collect();
        assert_eq!(names, ["top", "Counter.visit"]);
        let text = "     /// Counts.\n     pub async fn visit(&self) -> u64 {\n-        1\n+        2\n     }\n";
        assert_eq!((pieces[1].text.as_str(), pieces[1].counts), (text, (1, 1)));
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
        let text = &pieces("a.txt", &old, &new)[0].text;
        assert!(text.contains("\n 6\n@@\n 10\n"), "{text}");
    }
}
