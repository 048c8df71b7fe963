//! What the tests with lying steps share.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{env, ffi::OsString, path::PathBuf};

use contract::{Cell, Program, Source, Subject, Verdict};
use private_redis::RedisProgram;

/// The step that lies in the way that its argument names.
pub const STEP: &str = env!("CARGO_BIN_EXE_lying-step");

/// A real Redis, or `None` where there is none.
pub fn redis() -> Option<Source> {
    match RedisProgram::find() {
        Some(program) => Some(Source::Private(program)),
        None => skipped("redis-server is not on PATH"),
    }
}

/// A machine that is to prove something needs what is missing here.
pub fn skipped<T>(why: &str) -> Option<T> {
    let is_strict = env::var_os("SEEN_STRICT").is_some();
    assert!(!is_strict, "{why}; install it");
    eprintln!("skipped: {why}");
    None
}

/// A program that the suite takes for step `number`.
pub fn liar(number: u32, program: &str, arguments: &[&str]) -> Subject {
    Subject::Step {
        name: format!("step-{number}-liar"),
        number,
        program: Program {
            path: PathBuf::from(program),
            arguments: arguments.iter().map(OsString::from).collect(),
        },
    }
}

/// What the suite finds of it, or `None` without a real Redis.
pub fn check(subject: &Subject, capability: &str) -> Option<Cell> {
    let only = [capability.to_owned()];
    let mut report = contract::run(subject, &redis()?, &only, |_| {});
    report.cells.pop()
}

/// An honest step is believed.
pub fn assert_has(cell: &Cell) {
    assert!(
        cell.finding.verdict == Verdict::Has && cell.as_expected,
        "{cell:?}"
    );
}

/// What is found is not what is expected of a step of that number, and the words say why.
pub fn assert_unexpected(cell: &Cell, words: &str) {
    assert!(
        !cell.as_expected && cell.finding.evidence.contains(words),
        "this went unnoticed, or {words:?} was not said: {cell:?}"
    );
}

/// The lie must be found out where a step of that number stands, and the words say how.
pub fn assert_found_out(lie: &str, number: u32, capability: &str, words: &str) {
    if let Some(cell) = check(&liar(number, STEP, &[lie]), capability) {
        eprintln!("a step that {lie}: {cell:?}");
        assert_unexpected(&cell, words);
    }
}
