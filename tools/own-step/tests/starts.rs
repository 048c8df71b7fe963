//! Every start: its goal fails there and nothing else does, and our own step, put into it, meets the goal.
//!
//! Compiling all of them takes minutes. That of step 2 is always proved, by rows that are cheap;
//! `SEEN_ALL_STARTS=1` proves all of them, by all rows.

mod support;

use std::{env, fs};

use own_step::Goal;
use support::{Own, is_skipped, root};

/// Rows that may not get worse and take little time.
const CHEAP: [&str; 6] = [
    "greets",
    "counts",
    "unique",
    "ignores-strangers",
    "survives-restart",
    "shared",
];

fn is_all() -> bool {
    env::var_os("SEEN_ALL_STARTS").is_some()
}

/// The start of a step, and then our solution in it.
fn prove(number: u32) {
    if is_skipped() {
        return;
    }
    let goal = Goal::of(root(), &number.to_string()).unwrap();
    let own = Own::start(number, &format!("own-{number}"));
    if is_all() {
        own.cargo(&["test", "--offline"]);
    }
    let is_goal = |id: &str| goal.turns.iter().any(|row| row.id == id);
    let wanted = goal.rows().map(|row| row.id);
    let wanted: Vec<&str> = wanted
        .filter(|id| is_all() || is_goal(id) || CHEAP.contains(id))
        .collect();

    assert_eq!(
        own.unmet(&wanted),
        goal.turns.iter().map(|row| row.id).collect::<Vec<_>>()
    );
    own.solve(&goal);
    assert_eq!(own.unmet(&wanted), [""; 0]);
}

#[test]
fn step_2_can_be_written() {
    prove(2);
}

#[test]
fn the_other_steps_can_be_written() {
    if is_all() {
        [1, 3, 4, 5, 6].into_iter().for_each(prove);
    }
}

#[test]
fn a_read_and_a_write_instead_of_one_command_are_found_out() {
    if is_skipped() {
        return;
    }
    let goal = Goal::of(root(), "2").unwrap();
    let own = Own::start(2, "reads-then-writes");
    own.solve(&goal);
    own.change(
        "src/lib.rs",
        "let number: i64 = increment.query_async(&mut self.redis.clone()).await?;",
        "drop(increment);
        let seen: Option<i64> = redis::cmd(\"GET\").arg(KEY).query_async(&mut self.redis.clone()).await?;
        let number = seen.unwrap_or(0) + 1;
        let () = redis::cmd(\"SET\").arg(KEY).arg(number).query_async(&mut self.redis.clone()).await?;",
    );
    let text = own.seen(&["check", "--only", "unique", "--repeat", "3"], 1);
    assert!(
        text.contains("worse     unique") && text.contains("given twice"),
        "{text}"
    );
}

#[test]
fn a_batch_that_is_sent_again_is_found_out() {
    if !is_all() || is_skipped() {
        return;
    }
    let goal = Goal::of(root(), "5").unwrap();
    let own = Own::start(5, "sends-again");
    own.solve(&goal);
    own.change(
        "src/store.rs",
        "let last: i64 = add.query_async(&mut connection).await?;",
        "let last: i64 = match add.query_async(&mut connection).await {
            Ok(last) => last,
            Err(_) => {
                connection = self.pool.get().await?;
                add.query_async(&mut connection).await?
            }
        };",
    );
    let text = own.seen(&["check", "--only", "bad-wire", "--seed", "7"], 1);
    assert!(text.contains("worse     bad-wire"), "{text}");
    assert!(text.contains("SEEN_SEED=7"), "{text}");
}

#[test]
fn progress_grows_stale_when_the_sources_change() {
    if is_skipped() {
        return;
    }
    let own = Own::start(2, "grows-stale");
    let untouched = own.seen(&["progress"], 0);
    assert!(untouched.contains("open      shared"), "{untouched}");
    own.solve(&Goal::of(root(), "2").unwrap());
    assert_eq!(own.unmet(&["shared"]), [""; 0]);
    let fresh = own.seen(&["progress"], 0);
    assert!(fresh.contains("has       shared"), "{fresh}");
    let file = own.folder().join("src/lib.rs");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\n// More.\n").unwrap();
    let stale = own.seen(&["progress"], 0);
    assert!(stale.contains("stale     shared"), "{stale}");
    let beside = own.seen(&["progress", "--diff"], 0);
    assert!(
        beside.contains("// More.") && !beside.contains("main.rs"),
        "{beside}"
    );
}

#[test]
fn what_does_not_compile_is_not_checked() {
    let own = Own::start(2, "does-not-compile");
    own.change("src/lib.rs", "Router::new()", "Ruoter::new()");
    let text = own.seen(&["check"], 1);
    assert!(
        text.contains("Ruoter") && text.contains("nothing was checked"),
        "{text}"
    );
    assert!(!text.contains("greets"), "{text}");
}
