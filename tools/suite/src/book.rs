//! The book, whose tool proves that it says what is so.

use std::{
    collections::BTreeSet,
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use output::terminal;
use processes::Folder;
use serde_json::{Value, json};
use steps::{COMPILED, Profile};

use crate::{TestOptions, summary::Summary};

/// What the pages came to: a report of each page, of each experiment, and of all lints together.
pub struct Pages(Vec<Value>);

/// Holds the pages to what they say. The tool writes down for us what it found.
pub fn pages(root: &Path, options: &TestOptions) -> Result<Pages> {
    test(root, options, &[]).map(Pages)
}

impl Pages {
    /// Plays again what has not come out as it says, now that nothing else runs that can be the reason, and adds all
    /// of it to the summary.
    pub fn conclude(mut self, root: &Path, options: &TestOptions, summary: &Summary) -> Result<()> {
        let wrong = self.wrong();
        if !wrong.is_empty() {
            terminal::progress(&format!("played again: {}", wrong.join(", ")));
            self.replace(test(root, options, &wrong)?);
        }
        for report in &self.0 {
            let skipped = report["skipped"].as_array().into_iter().flatten();
            for why in skipped.filter_map(Value::as_str) {
                summary.skip("book", why);
            }
        }
        let passed = self.0.iter().filter(|report| is_good(report)).count();
        let mut what = format!("{passed} of {} parts say what is so", self.0.len());
        if !wrong.is_empty() {
            what += &format!("; played again: {}", wrong.join(", "));
        }
        summary.add(passed, self.0.len() - passed, "book", &what);
        Ok(())
    }

    /// The pages that have not come out as they say, or an experiment of which has not.
    fn wrong(&self) -> Vec<String> {
        let wrong = self.0.iter().filter(|report| !is_good(report));
        let pages: BTreeSet<&str> = wrong.filter_map(|report| report["page"].as_str()).collect();
        pages.into_iter().map(str::to_owned).collect()
    }

    /// Puts these reports into the place of those of the same things.
    fn replace(&mut self, reports: Vec<Value>) {
        for report in reports {
            let same = |old: &&mut Value| old["name"] == report["name"];
            if let Some(old) = self.0.iter_mut().find(same) {
                *old = report;
            }
        }
    }
}

fn is_good(report: &Value) -> bool {
    report["result"]["Ok"].is_string()
}

/// Has the book's tool test these pages, or all if there are none. Returns its reports.
fn test(root: &Path, options: &TestOptions, pages: &[String]) -> Result<Vec<Value>> {
    let mut command = tool(root)?;
    command.env(COMPILED, root);
    let folder = Folder::new("seen-suite-")?;
    let file = folder.path().join("book.json");
    command.arg("test").arg("--json").arg(&file).args(pages);
    if options.strict {
        command.arg("--strict").env("SEEN_BOOK_DOCKER", "1");
    }
    // Its progress is shown meanwhile, its results when it is done: a line a page, and what is wrong with it.
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start the book's tool")?;
    anstream::print!("{}", String::from_utf8_lossy(&output.stdout));
    let Ok(reports) = File::open(&file) else {
        terminal::error("the book's tool ended early; see above");
        return Ok(vec![
            json!({"name": "book", "result": {"Err": "no reports"}}),
        ]);
    };
    serde_json::from_reader(reports).context("the book's tool wrote no JSON")
}

/// Accepts what the pages would say now. What they measure is to come from optimised programs.
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
    command.current_dir(root);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str, page: Option<&str>, is_good: bool) -> Value {
        let result = if is_good { "Ok" } else { "Err" };
        json!({"name": name, "page": page, "result": {result: "said"}, "skipped": []})
    }

    #[test]
    fn a_page_is_played_again_when_it_or_its_experiment_went_wrong() {
        let mut pages = Pages(vec![
            report("lints", None, false),
            report("one.md", Some("one.md"), true),
            report("two.md", Some("two.md"), false),
            report("kill-redis 2", Some("one.md"), false),
            report("overload 2", Some("one.md"), false),
        ]);
        assert_eq!(pages.wrong(), ["one.md", "two.md"]);
        pages.replace(vec![
            report("lints", None, false),
            report("two.md", Some("two.md"), true),
            report("kill-redis 2", Some("one.md"), true),
        ]);
        assert_eq!(pages.wrong(), ["one.md"]);
        let passed = pages.0.iter().filter(|report| is_good(report)).count();
        assert_eq!((passed, pages.0.len()), (3, 5));
    }
}
