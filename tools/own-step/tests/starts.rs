//! Every start: its goal fails there and nothing else does, and our own step, put into it, meets the goal.
//!
//! To compile and judge all of them as a reader does takes long. That of step 1 is always proved so, and an
//! exercise; `SEEN_ALL_STARTS=1` proves all steps. What they are made of, `solutions.rs` proves of all.

mod support;

use std::fs;

use own_step::Goal;
use support::{Own, is_all, is_skipped, root};

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
    let all: Vec<&str> = goal.rows().map(|row| row.id).collect();
    let turns: Vec<&str> = goal.turns.iter().map(|row| row.id).collect();
    assert_eq!(own.unmet(&all, &turns), turns);
    own.solve(&goal);
    assert_eq!(own.unmet(&all, &[]), [""; 0]);
}

#[test]
fn step_1_can_be_written() {
    prove(1);
}

/// One test a step, so that each can be proved alone.
fn prove_if_all(number: u32) {
    if is_all() {
        prove(number);
    }
}

#[test]
fn step_2_can_be_written() {
    prove_if_all(2);
}

#[test]
fn step_3_can_be_written() {
    prove_if_all(3);
}

#[test]
fn step_4_can_be_written() {
    prove_if_all(4);
}

#[test]
fn step_5_can_be_written() {
    prove_if_all(5);
}

#[test]
fn step_6_can_be_written() {
    prove_if_all(6);
}

#[test]
fn an_exercise_can_be_done() {
    if is_skipped() {
        return;
    }
    let own = Own::exercise("step-1-peek");
    let before = own.seen(&["check"], 1);
    assert!(
        before.contains("not yet   answers") && before.contains("GET /peek answered\n"),
        "{before}"
    );
    own.change(
        "src/lib.rs",
        "Router::new()",
        "Router::new().route(\"/peek\", get(|State(counter): State<Counter>| async move {
            counter.seen.load(Ordering::Relaxed).to_string()
        }))",
    );
    let after = own.seen(&["check"], 0);
    assert!(
        after.contains("has       answers")
            && after.contains("That is all of exercise step-1-peek"),
        "{after}"
    );
}

/// Checks a solution that gives a number twice.
fn is_found_out(own: &Own) {
    let text = own.seen(&["check", "--only", "unique", "--repeat", "3"], 1);
    assert!(text.contains("given twice"), "{text}");
}

#[test]
fn a_read_and_a_write_instead_of_one_operation_are_found_out() {
    if is_skipped() {
        return;
    }
    let own = Own::start(1, "loads-then-stores");
    own.solve(&Goal::of(root(), "1").unwrap());
    own.change(
        "src/lib.rs",
        "let seen = counter.visit();",
        "let seen = counter.seen.load(Ordering::Relaxed) + 1;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        counter.seen.store(seen, Ordering::Relaxed);",
    );
    is_found_out(&own);
}

#[test]
fn a_read_and_a_write_instead_of_one_command_are_found_out() {
    if !is_all() || is_skipped() {
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
    is_found_out(&own);
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
    let own = Own::start(1, "grows-stale");
    let untouched = own.seen(&["progress"], 0);
    assert!(untouched.contains("open      greets"), "{untouched}");
    own.solve(&Goal::of(root(), "1").unwrap());
    assert_eq!(own.unmet(&["greets"], &[]), [""; 0]);
    let fresh = own.seen(&["progress"], 0);
    assert!(fresh.contains("has       greets"), "{fresh}");
    let file = own.folder().join("src/lib.rs");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\n// More.\n").unwrap();
    let stale = own.seen(&["progress"], 0);
    assert!(stale.contains("stale     greets"), "{stale}");
    let beside = own.seen(&["progress", "--diff"], 0);
    assert!(
        beside.contains("// More.") && !beside.contains("main.rs"),
        "{beside}"
    );
}

#[test]
fn what_does_not_compile_is_not_checked() {
    let own = Own::start(1, "does-not-compile");
    own.change("src/lib.rs", "Router::new()", "Ruoter::new()");
    let text = own.seen(&["check"], 1);
    assert!(
        text.contains("Ruoter") && text.contains("nothing was checked"),
        "{text}"
    );
    assert!(!text.contains("greets"), "{text}");
}
