//! A bad wire to Redis finds out who does not keep the promises, and nobody else.

mod support;

use std::time::Duration;

use contract::{FaultRun, Finding, Verdict};
use support::{STEP, liar, redis};

/// What is found of a step that lies so, or `None` without a real Redis.
fn check(lie: &str, seconds: u64) -> Option<Result<String, Finding>> {
    let redis = redis()?;
    let run = FaultRun {
        duration: Duration::from_secs(seconds),
        ..FaultRun::from_env().unwrap()
    };
    let found = run.check(&liar(5, STEP, &[lie]), &redis);
    eprintln!("a step that {lie}: {found:?}");
    Some(found)
}

fn assert_found_out(lie: &str, words: &str) {
    match check(lie, 3) {
        None => {}
        Some(Err(end))
            if end.verdict == Verdict::Broken
                && [words, "SEEN_SEED="]
                    .iter()
                    .all(|word| end.evidence.contains(word)) => {}
        other => panic!("a step that {lie} was not found out by {words:?}: {other:?}"),
    }
}

#[test]
fn an_honest_step_is_believed() {
    if let Some(found) = check("is honest", 2) {
        let seen = found.unwrap();
        assert!(seen.contains("LostReply"), "{seen}");
    }
}

#[test]
fn a_number_given_twice_is_found_out() {
    assert_found_out("gives every tenth number twice", "was given twice");
}

#[test]
fn numbers_that_fall_are_found_out() {
    assert_found_out("gives the higher number first", "after number");
}

#[test]
fn a_number_without_a_reply_is_found_out() {
    assert_found_out("answers before Redis", "Redis");
}

#[test]
fn a_command_that_is_sent_again_is_found_out() {
    assert_found_out("asks again", "was sent again");
}
