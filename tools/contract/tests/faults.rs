//! A bad wire to Redis finds out who does not keep the promises, and nobody else.

use std::{path::PathBuf, time::Duration};

use contract::{FaultRun, Finding, RedisSource, Subject};
use private_redis::RedisProgram;

const STEP: &str = env!("CARGO_BIN_EXE_lying-step");

/// What is found of a step that lies so, or `None` without a real Redis.
fn check(lie: &str, seconds: u64) -> Option<Result<String, Finding>> {
    let Some(redis) = RedisProgram::find() else {
        let is_strict = std::env::var_os("SEEN_STRICT").is_some();
        assert!(!is_strict, "redis-server is not on PATH; install it");
        eprintln!("redis-server is not on PATH: this test proves nothing");
        return None;
    };
    let subject = Subject::Step {
        name: "step-5-liar".to_owned(),
        number: 5,
        program: PathBuf::from(STEP),
        arguments: vec![lie.into()],
    };
    let run = FaultRun {
        duration: Duration::from_secs(seconds),
        ..FaultRun::from_env().unwrap()
    };
    let found = run.check(&subject, &RedisSource::Program(redis));
    eprintln!("a step that {lie}: {found:?}");
    Some(found)
}

fn assert_found_out(lie: &str, words: &str) {
    match check(lie, 3) {
        None => {}
        Some(Err(Finding::Broken { why })) if why.contains(words) && why.contains("SEEN_SEED=") => {
        }
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
