//! The book, whose tool proves that it says what is so.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use processes::Folder;
use serde_json::Value;
use steps::{COMPILED, Profile};

use crate::{TestOptions, summary::Summary};

/// Holds the pages to what they say. The tool writes down for us what it found.
pub fn pages(root: &Path, options: &TestOptions, summary: &Summary) -> Result<()> {
    let mut command = tool(root)?;
    let folder = Folder::new("seen-suite-")?;
    let file = folder.path().join("book.json");
    command.arg("test").arg("--json").arg(&file);
    if options.strict {
        command.arg("--strict").env("SEEN_BOOK_DOCKER", "1");
    }
    // Its progress is shown meanwhile, its results when it is done: a line a page, and what is wrong with it.
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start the book's tool")?;
    anstream::print!("{}", String::from_utf8_lossy(&output.stdout));
    let Ok(file) = File::open(&file) else {
        summary.fail("book", "its tool ended early; see above");
        return Ok(());
    };
    let pages: Vec<Value> =
        serde_json::from_reader(file).context("the book's tool wrote no JSON")?;
    for page in &pages {
        let skipped = page["skipped"].as_array().into_iter().flatten();
        for why in skipped.filter_map(Value::as_str) {
            summary.skip("book", why);
        }
    }
    let is_good = |page: &&Value| page["result"]["Ok"].is_string();
    let passed = pages.iter().filter(is_good).count();
    let what = format!("{passed} of {} parts say what is so", pages.len());
    summary.add(passed, pages.len() - passed, "book", &what);
    Ok(())
}

/// Accepts what the pages would say now.
pub fn bless(root: &Path, summary: &Summary) -> Result<()> {
    let status = tool(root)?.arg("bless").status();
    let is_good = status.context("cannot start the book's tool")?.success();
    let difference = (!is_good).then(|| "see above".to_owned());
    summary.compare("book", "accepted as it is now", difference);
    Ok(())
}

fn tool(root: &Path) -> Result<Command> {
    let program = steps::tool(root, "book", "book", Profile::Compiled)?;
    let mut command = Command::new(program.context("the book's tool is not compiled")?);
    command.current_dir(root).env(COMPILED, root);
    Ok(command)
}
