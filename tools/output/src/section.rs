//! Parts of a Markdown file that are made from measurements, and so never typed.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Puts `content` between `<!-- generated: NAME -->` and `<!-- end: NAME -->` of the README.
///
/// Without `bless` nothing is written, and a README that would change is a message that says so.
///
/// # Errors
///
/// When the README cannot be read or written, or has no such part.
pub fn update(root: &Path, name: &str, content: &str, bless: bool) -> Result<Option<String>> {
    let path = root.join("README.md");
    let old = fs::read_to_string(&path);
    let old = old.with_context(|| format!("cannot read {}", path.display()))?;
    let new = replace(&old, name, content)
        .with_context(|| format!("README.md has no part called {name:?} to put this into"))?;
    if new == old {
        return Ok(None);
    }
    if bless {
        fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(None);
    }
    Ok(Some(format!(
        "its part {name:?} is out of date; accept with: cargo xtask test --bless"
    )))
}

fn replace(text: &str, name: &str, content: &str) -> Option<String> {
    let start = format!("<!-- generated: {name} -->\n");
    let end = format!("<!-- end: {name} -->");
    let (before, rest) = text.split_once(&start)?;
    let (_, after) = rest.split_once(&end)?;
    let content = content.trim();
    Some(format!("{before}{start}\n{content}\n\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = "a\n<!-- generated: t -->\nold\n<!-- end: t -->\nb\n";
        let new = "a\n<!-- generated: t -->\n\nnew\n\n<!-- end: t -->\nb\n";
        assert_eq!(replace(text, "t", "new\n").as_deref(), Some(new));
        // A second time changes nothing.
        assert_eq!(replace(new, "t", "new").as_deref(), Some(new));
        assert_eq!(replace(text, "u", "new"), None);
    }
}
