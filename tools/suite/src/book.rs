//! The book, whose tool proves that it says what is so.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use processes::Folder;
use serde_json::Value;
use steps::Profile;

use crate::{TestOptions, summary::Summary};

/// What the book's tool found.
pub struct Pages {
    /// One a page; nothing if the tool does not compile or ended early.
    pages: Option<Vec<Value>>,
    /// What it printed: a line a page, and what is wrong with it.
    printed: String,
}

/// Holds the pages to what they say. The tool writes down for us what it found.
pub fn pages(root: &Path, options: &TestOptions) -> Result<Pages> {
    let (mut pages, mut printed) = (None, String::new());
    if let Some(mut command) = tool(root)? {
        if options.strict {
            command.env("SEEN_BOOK_DOCKER", "1");
        }
        let folder = Folder::new("seen-suite-")?;
        let file = folder.path().join("book.json");
        command.arg("test").arg("--json").arg(&file);
        // Its progress is shown meanwhile, its results when it is done.
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.context("cannot start the book's tool")?;
        printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Ok(file) = File::open(&file) {
            pages = serde_json::from_reader(file).context("the book's tool wrote no JSON")?;
        }
    }
    Ok(Pages { pages, printed })
}

/// Accepts what the pages would say now.
pub fn bless(root: &Path, summary: &mut Summary) -> Result<()> {
    let status = match tool(root)? {
        Some(mut command) => command.arg("bless").status().map(Some),
        None => Ok(None),
    };
    let status = status.context("cannot start the book's tool")?;
    let is_good = status.is_some_and(|status| status.success());
    let difference = (!is_good).then(|| "see above".to_owned());
    summary.compare("book", "accepted as it is now", difference);
    Ok(())
}

fn tool(root: &Path) -> Result<Option<Command>> {
    let program = steps::tool(root, "book", "book", Profile::Debug)?;
    Ok(program.map(|program| {
        let mut command = Command::new(program);
        command.current_dir(root);
        command
    }))
}

impl Pages {
    /// Puts the pages into the summary.
    pub fn report(&self, summary: &mut Summary) {
        anstream::print!("{}", self.printed);
        let Some(pages) = &self.pages else {
            return summary.fail("book", "see above");
        };
        for page in pages {
            match page["result"]["Ok"].is_string() {
                true => summary.passed += 1,
                false => summary.failed += 1,
            }
            let skipped = page["skipped"].as_array().into_iter().flatten();
            let skipped = skipped.filter_map(Value::as_str);
            let skipped = skipped.map(|why| format!("book: {why}"));
            summary.skipped.extend(skipped);
        }
    }
}
