//! The circuit breaker: when it lets a try pass, and when not.

use std::time::Duration;

use step_5_batched::breaker::Breaker;

/// Longer than any test takes, and no time at all.
const LONG: Duration = Duration::from_secs(600);
const NONE: Duration = Duration::ZERO;

#[test]
fn one_failure_may_be_the_fault_of_one_connection() {
    let breaker = Breaker::new(LONG);
    breaker.failed(&"on purpose");
    assert!(breaker.lets_pass() && breaker.lets_pass());
}

#[test]
fn two_failures_in_a_row_open_it() {
    let breaker = Breaker::new(LONG);
    breaker.failed(&"on purpose");
    breaker.failed(&"on purpose");
    assert!(!breaker.lets_pass());
}

#[test]
fn failures_with_a_success_between_them_do_not() {
    let breaker = Breaker::new(LONG);
    for _ in 0..10 {
        breaker.failed(&"on purpose");
        breaker.succeeded();
    }
    assert!(breaker.lets_pass());
}

#[test]
fn after_the_pause_one_try_passes_and_no_second_one() {
    let pause = Duration::from_millis(50);
    let breaker = Breaker::new(pause);
    for _ in 0..2 {
        breaker.failed(&"on purpose");
    }
    std::thread::sleep(pause);
    let passed = (0..1000).filter(|_| breaker.lets_pass()).count();
    assert!((1..1000).contains(&passed), "{passed} tries passed");
    // With no pause there is nothing to wait for.
    let breaker = Breaker::new(NONE);
    for _ in 0..2 {
        breaker.failed(&"on purpose");
    }
    assert!(breaker.lets_pass() && breaker.lets_pass());
}

#[test]
fn a_success_closes_it() {
    let breaker = Breaker::new(LONG);
    for _ in 0..5 {
        breaker.failed(&"on purpose");
    }
    breaker.succeeded();
    assert!(breaker.lets_pass() && breaker.lets_pass());
}
