//! Steps that lie, each in one way that shows only when something is done to them or to their Redis.
//! The suite must find every one of them out, also where it expects a step to lack the capability: a
//! lack is one certain defect and nothing else.

mod support;

use support::{STEP, assert_found_out, assert_has, assert_unexpected, check, liar};

#[test]
fn an_honest_step_is_believed() {
    for capability in [
        "survives-restart",
        "shared",
        "starts-alone",
        "heals",
        "refuses-honestly",
        "outlasts-slow-clients",
        // Elsewhere the system does not say how much memory there is.
        #[cfg(target_os = "linux")]
        "bounded-memory",
        // Elsewhere the system does not say how many may wait.
        #[cfg(target_os = "linux")]
        "queues-a-burst",
        "sheds",
    ] {
        if let Some(cell) = check(&liar(4, STEP, &["is honest"]), capability) {
            assert_has(&cell);
        }
    }
}

#[test]
fn a_count_that_starts_anywhere_but_at_1_is_no_known_lack() {
    assert_found_out(
        "counts from 5",
        1,
        "survives-restart",
        "the first after it 5",
    );
    assert_found_out("counts from 5", 1, "shared", "given twice");
}

#[test]
fn a_number_without_redis_is_found_out() {
    let lie = "makes a number up";
    assert_found_out(
        lie,
        2,
        "starts-alone",
        "number 1000 was given without Redis",
    );
    assert_found_out(lie, 2, "refuses-honestly", "seen 1000 times");
}

#[test]
fn numbers_that_come_back_after_an_outage_are_found_out() {
    assert_found_out("goes back", 2, "refuses-honestly", "none twice");
}

#[test]
fn hanging_up_is_neither_a_refusal_nor_a_known_lack() {
    assert_found_out(
        "hangs up",
        2,
        "refuses-honestly",
        "closed without an answer",
    );
    assert_found_out("hangs up", 2, "heals", "closed without an answer");
}

#[test]
fn to_end_without_redis_and_without_a_word_is_no_known_lack() {
    let lie = "ends in silence without Redis";
    assert_found_out(
        lie,
        2,
        "starts-alone",
        "without Redis it ended (exit status: 0)",
    );
}

/// The shell hears the signal and ends well, and the step behind it is killed in the middle of its work.
#[test]
fn dropped_requests_are_found_out_whatever_the_exit_status() {
    let script = "trap 'exit 0' TERM; \"$0\" 'is honest' & wait";
    if let Some(cell) = check(&liar(4, "sh", &["-c", script, STEP]), "drains") {
        let words = "32 of 32 requests under way got no whole answer";
        assert_unexpected(&cell, words);
    }
}

#[test]
fn slow_clients_that_are_closed_early_or_never_are_found_out() {
    let capability = "outlasts-slow-clients";
    assert_found_out("closes early", 2, capability, "was closed after");
    assert_found_out("never closes", 4, capability, "500 of 500");
}

#[test]
fn to_say_ready_when_no_visit_can_be_counted_is_no_known_lack() {
    let capability = "ready-means-ready";
    if let Some(cell) = check(&liar(2, STEP, &["is always ready"]), capability) {
        for state in ["out of memory", "read-only", "stopped"] {
            let words = format!("while Redis was {state}, GET /readyz answered 200");
            assert_unexpected(&cell, &words);
        }
    }
    assert_found_out("asks Redis every time", 2, capability, "cost Redis");
}

#[test]
fn to_stay_with_a_redis_that_refuses_is_no_known_lack() {
    let lie = "stays with a Redis that refuses";
    assert_found_out(lie, 2, "heals", "Redis had become read-only");
}

#[test]
fn slow_readers_that_are_closed_early_or_never_are_found_out() {
    let capability = "outlasts-slow-readers";
    assert_found_out("waits for no reader", 2, capability, "was closed after");
    assert_found_out("waits for every reader", 4, capability, "16 of 16");
}

#[cfg(target_os = "linux")]
#[test]
fn heads_that_are_too_large_or_refused_too_early_are_found_out() {
    let capability = "bounded-memory";
    assert_found_out("reads any head", 4, capability, "the memory grows by");
    assert_found_out("reads no large head", 2, capability, "a head of 14 KB");
    assert_found_out("lets large heads wait", 2, capability, "neither refused");
}

#[cfg(target_os = "linux")]
#[test]
fn connections_that_one_client_takes_all_are_found_out() {
    let capability = "shares-places";
    assert_found_out("is honest otherwise", 4, capability, "were not answered");
}

#[cfg(target_os = "linux")]
#[test]
fn a_short_listen_backlog_is_found_out() {
    let words = "of 500 connections found room";
    assert_found_out("has a short queue", 4, "queues-a-burst", words);
}

#[cfg(target_os = "linux")]
#[test]
fn to_lose_who_has_waited_in_the_listen_backlog_is_no_known_lack() {
    let capability = "queues-a-burst";
    assert_found_out("loses a visitor", 2, capability, "closed without an answer");
    assert_found_out("loses a visitor", 4, capability, "closed without an answer");
    assert_found_out(
        "gives every tenth number twice",
        2,
        capability,
        "given twice",
    );
}

#[test]
fn a_limit_that_is_not_the_one_that_was_set_is_found_out() {
    assert_found_out("turns away too many", 4, "sheds", "expected: 32");
    assert_found_out("turns away everybody", 4, "sheds", "expected: 32");
}
