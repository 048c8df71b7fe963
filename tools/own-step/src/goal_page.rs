//! `GOAL.md`: what a step of one's own is to become.

use std::fmt::Write;

use anyhow::Result;

use crate::{Goal, Row};

/// The page.
pub fn text(goal: &Goal, name: &str) -> Result<String> {
    let Goal { start, step, .. } = goal;
    let (number, description) = (step.number, step.description()?);
    let first = goal.turns.first().map_or("", |row| row.id);
    Ok(format!(
        "# Your step {number}\n\n\
         {description}: that is what ours does, `{}`. Here you write your own, `{name}`.\n\
         You begin with the code of `{}`. It compiles, and its tests pass.\n\n\
         ## What hurts\n\n{}\n\nSee it, in this folder:\n\n\
         ```sh\ncargo xtask check --only {first}\n```\n\n\
         ## What is to become of it\n\nThe contract finds these lacking. When it finds all of them, you have done it:\n\n{}\n\
         ## What may not get worse\n\n{}\n\
         ## How to check\n\n\
         ```sh\n{COMMANDS}```\n\n\
         A check says what it saw and what it expected. It knows your program only from outside, over HTTP: files,\n\
         names and types are yours. It starts your program with `ADDR` and `REDIS_URL` in the environment, and waits for\n\
         a line on standard output with the address of the page, as there is one now.\n{}\n\
         ## Where to read\n\n\
         `book/src/{}.md` of the checkout, or `cargo xtask book serve` there. From \"The change\" on it tells our solution.\n",
        step.name,
        start.name,
        goal.lack()?,
        table(&goal.turns),
        table(&goal.keeps),
        settings(goal),
        step.name,
    ))
}

const COMMANDS: &str = "\
cargo xtask check           # the goal first, then all that may not get worse
cargo xtask check --watch   # the goal again whenever you save
cargo xtask hint            # one hint; again for the next one
cargo xtask progress        # the staircase, and where you are
";

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "Nothing yet: this is the first one.\n".to_owned();
    }
    let mut text = "| row | what it means |\n|---|---|\n".to_owned();
    for row in rows {
        let _ = writeln!(text, "| `{}` | {} |", row.id, row.statement);
    }
    text
}

/// The settings that the checks use are part of the contract from the step on that has limits.
fn settings(goal: &Goal) -> &'static str {
    const FIRST_WITH_LIMITS: u32 = 4;
    if goal.step.number < FIRST_WITH_LIMITS {
        return "";
    }
    "\nSome checks reach a limit, and so set it: a variable of the environment, such as `MAX_VISITS`, with the names and\n\
     units of our `src/settings.rs`. Keep those names.\n"
}
