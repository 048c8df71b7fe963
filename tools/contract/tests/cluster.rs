//! Steps that lie when they are on a Redis Cluster. The suite must find every one of them out, and
//! believe the one that does not.

use std::path::PathBuf;

use contract::{Cell, Finding, RedisSource, Subject};
use private_redis::RedisProgram;

/// What the suite says of a step 6 that lies so, or `None` without a real Redis.
fn check(lie: &str) -> Option<Cell> {
    let Some(redis) = RedisProgram::find() else {
        let is_strict = std::env::var_os("SEEN_STRICT").is_some();
        assert!(!is_strict, "redis-server is not on PATH; install it");
        eprintln!("redis-server is not on PATH: this test proves nothing");
        return None;
    };
    let subject = Subject::Step {
        name: "step-6-liar".to_owned(),
        number: 6,
        program: PathBuf::from(env!("CARGO_BIN_EXE_lying-step")),
        arguments: vec![lie.into()],
    };
    let only = ["cluster".to_owned()];
    let mut report = contract::run(&subject, &RedisSource::Program(redis), &only, |_| {});
    let cell = report.cells.pop()?;
    eprintln!("a step that {lie}: {cell:?}");
    Some(cell)
}

fn assert_found_out(lie: &str, words: &str) {
    if let Some(cell) = check(lie) {
        assert!(
            !cell.as_expected && cell.finding.evidence().contains(words),
            "a step that {lie} went unnoticed, or {words:?} was not said: {cell:?}"
        );
    }
}

#[test]
fn an_honest_step_is_believed_and_the_losses_are_named() {
    if let Some(cell) = check("is honest") {
        assert!(
            matches!(cell.finding, Finding::Has { .. }) && cell.as_expected,
            "{cell:?}"
        );
        assert!(
            cell.finding
                .evidence()
                .contains("its replica had not heard of"),
            "{cell:?}"
        );
    }
}

#[test]
fn to_stay_with_a_master_is_no_cluster() {
    assert_found_out("stays with a master", "after a replica took over");
}

#[test]
fn redirections_that_are_not_understood_are_found_out() {
    assert_found_out("takes ASK for MOVED", "they came without ASKING");
    assert_found_out("connects every time", "connections to its nodes");
}

#[test]
fn to_end_for_several_nodes_without_a_word_is_no_known_lack() {
    assert_found_out("ends in silence without Redis", "it ended (exit status: 0)");
}

#[test]
fn a_number_without_any_node_is_found_out() {
    assert_found_out("makes a number up", "without any node");
}

#[test]
fn numbers_that_no_failover_explains_are_found_out() {
    assert_found_out("goes back", "given");
}
