//! The commands that read and change the dictionary. The errors are Redis's own words.

use super::commands::lower_case;
use super::session::Session;
use super::store::{Full, Store};
use crate::resp::{Value, parse_integer};

pub(super) fn get(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    store.get(&arguments[1]).map_or(Value::Null, Value::bulk)
}

/// `SET key value [NX | XX] [GET] [KEEPTTL]`. Here nothing expires: `KEEPTTL` changes nothing, and
/// to set a time to live is a syntax error.
pub(super) fn set(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    // Whether the key must be there before, where that matters.
    let mut must_exist = None;
    let mut wants_old = false;
    for option in &arguments[3..] {
        match lower_case(option).as_str() {
            "nx" if must_exist != Some(true) => must_exist = Some(false),
            "xx" if must_exist != Some(false) => must_exist = Some(true),
            "get" => wants_old = true,
            "keepttl" => {}
            _ => return error("ERR syntax error"),
        }
    }
    let old = store.get(&arguments[1]).map(Value::bulk);
    let is_allowed = must_exist.is_none_or(|must_exist| must_exist == old.is_some());
    if is_allowed && let Err(full) = store.set(&arguments[1], &arguments[2]) {
        return full.into();
    }
    match (wants_old, is_allowed) {
        (true, _) => old.unwrap_or(Value::Null),
        (false, true) => Value::ok(),
        (false, false) => Value::Null,
    }
}

pub(super) fn incr(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    add(store, &arguments[1], 1)
}

pub(super) fn decr(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    add(store, &arguments[1], -1)
}

pub(super) fn incrby(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    match parse_integer(&arguments[2]) {
        Some(difference) => add(store, &arguments[1], difference),
        None => error(NOT_AN_INTEGER),
    }
}

pub(super) fn decrby(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    match parse_integer(&arguments[2]).map(i64::checked_neg) {
        Some(Some(difference)) => add(store, &arguments[1], difference),
        // The smallest number has no counterpart above zero.
        Some(None) => error("ERR decrement would overflow"),
        None => error(NOT_AN_INTEGER),
    }
}

pub(super) fn del(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    count(
        arguments[1..]
            .iter()
            .filter(|key| store.remove(key))
            .count(),
    )
}

pub(super) fn exists(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    count(
        arguments[1..]
            .iter()
            .filter(|key| store.get(key).is_some())
            .count(),
    )
}

pub(super) fn dbsize(_: &mut Session, store: &mut Store, _: &[Vec<u8>]) -> Value {
    count(store.len())
}

pub(super) fn flushall(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    match arguments {
        [_] => {}
        [_, how] if matches!(lower_case(how).as_str(), "sync" | "async") => {}
        _ => return error("ERR syntax error"),
    }
    store.clear();
    Value::ok()
}

const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

fn add(store: &mut Store, key: &[u8], difference: i64) -> Value {
    let Some(old) = store.get(key).map_or(Some(0), parse_integer) else {
        return error(NOT_AN_INTEGER);
    };
    let Some(new) = old.checked_add(difference) else {
        return error("ERR increment or decrement would overflow");
    };
    match store.set(key, new.to_string().as_bytes()) {
        Ok(()) => Value::Integer(new),
        Err(full) => full.into(),
    }
}

fn count(count: usize) -> Value {
    Value::Integer(
        i64::try_from(count).expect("no request has so many arguments, no store so many keys"),
    )
}

fn error(message: &str) -> Value {
    Value::Error(message.to_owned())
}

impl From<Full> for Value {
    fn from(_: Full) -> Value {
        error("OOM command not allowed when used memory > 'maxmemory'.")
    }
}
