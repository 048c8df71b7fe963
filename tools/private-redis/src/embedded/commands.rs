//! The commands, and what is answered when there is no such command. The errors are Redis's own words.

use std::fmt::Write;

use super::store::Store;
use crate::resp::{Value, parse_integer};

/// The Redis whose answers this server gives. Clients choose their commands by it.
const VERSION: &str = "7.0.0";

/// How much of an unknown command is quoted, in bytes. Redis has the same limit.
const QUOTED_BYTES_MAX: usize = 128;

/// All commands. A subcommand has the name of its command in front.
const COMMANDS: [&str; 15] = [
    "client|setinfo",
    "client|setname",
    "config|resetstat",
    "del",
    "echo",
    "exists",
    "flushall",
    "get",
    "hello",
    "incr",
    "incrby",
    "info",
    "ping",
    "set",
    "unwatch",
];

const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

/// What the server knows of one client.
pub(super) struct Session {
    /// The number of the connection.
    pub(super) id: i64,
    /// Whether the client wants its answers in RESP3.
    pub(super) resp3: bool,
}

/// Runs a request, which has at least a name. An error is the text of one.
pub(super) fn run(
    session: &mut Session,
    store: &mut Store,
    request: &[Vec<u8>],
) -> Result<Value, String> {
    let (name, arguments) = find(request)?;
    let answer = match (name.as_str(), arguments) {
        // Libraries tell their name and version. Nobody asks for them.
        ("client|setinfo", [_, _]) | ("client|setname", [_]) => Ok(ok()),
        ("config|resetstat", []) => {
            store.calls.clear();
            Ok(ok())
        }
        ("del", [_, ..]) => Ok(count(arguments, |key| store.remove(key))),
        ("echo" | "ping", [message]) => Ok(Value::Bulk(message.clone())),
        ("exists", [_, ..]) => Ok(count(arguments, |key| store.get(key).is_some())),
        ("flushall", []) => {
            store.clear();
            Ok(ok())
        }
        ("get", [key]) => {
            let value = store.get(key).map(|value| Value::Bulk(value.to_vec()));
            Ok(value.unwrap_or(Value::Null))
        }
        ("hello", [version]) => hello(session, version),
        ("incr", [key]) => add(store, key, 1),
        ("incrby", [key, difference]) => match parse_integer(difference) {
            Some(difference) => add(store, key, difference),
            None => Err(NOT_AN_INTEGER.to_owned()),
        },
        ("info", sections) => Ok(info(store, sections)),
        ("ping", []) => Ok(Value::Simple("PONG".to_owned())),
        ("set", [key, value]) => store.set(key, value).map(|()| ok()),
        // Nothing can be watched, so nothing is.
        ("unwatch", []) => Ok(ok()),
        // Redis has options here, which nobody uses.
        ("set", [_, _, ..]) | ("flushall" | "hello", _) => Err("ERR syntax error".to_owned()),
        _ => return Err(wrong_number(&name)),
    };
    *store.calls.entry(name).or_default() += 1;
    answer
}

/// Finds the command that a request names, and its arguments.
fn find(request: &[Vec<u8>]) -> Result<(String, &[Vec<u8>]), String> {
    let name = lower_case(&request[0]);
    let family = format!("{name}|");
    if COMMANDS.iter().any(|known| known.starts_with(&family)) {
        let Some(subcommand) = request.get(1) else {
            return Err(wrong_number(&name));
        };
        let full = family + &lower_case(subcommand);
        if COMMANDS.contains(&full.as_str()) {
            return Ok((full, &request[2..]));
        }
        let (subcommand, name) = (quote(subcommand), name.to_uppercase());
        return Err(format!(
            "ERR unknown subcommand '{subcommand}'. Try {name} HELP."
        ));
    }
    // What a client sends never has a bar in it; only our own names for subcommands have.
    if name.contains('|') || !COMMANDS.contains(&name.as_str()) {
        let (unknown, known) = (quote(&request[0]), COMMANDS.join(", ").replace('|', " "));
        return Err(format!(
            "ERR unknown command '{unknown}'; the embedded Redis has only {known}"
        ));
    }
    Ok((name, &request[1..]))
}

/// `HELLO version`. When it is refused, nothing changes.
fn hello(session: &mut Session, version: &[u8]) -> Result<Value, String> {
    let version = parse_integer(version);
    let version = version.ok_or("ERR Protocol version is not an integer or out of range")?;
    if !(2..=3).contains(&version) {
        return Err("NOPROTO unsupported protocol version".to_owned());
    }
    session.resp3 = version == 3;
    let text = |text: &str| Value::Bulk(text.as_bytes().to_vec());
    let pairs = [
        ("server", text("redis")),
        ("version", text(VERSION)),
        ("proto", Value::Integer(version)),
        ("id", Value::Integer(session.id)),
        ("mode", text("standalone")),
        ("role", text("master")),
        ("modules", Value::Array(Vec::new())),
    ];
    let pairs = pairs.map(|(key, value)| (text(key), value));
    Ok(Value::Map(pairs.to_vec()))
}

/// `INFO [section …]`, of which there are `server` and `commandstats`.
fn info(store: &Store, sections: &[Vec<u8>]) -> Value {
    let sections: Vec<String> = sections.iter().map(|word| lower_case(word)).collect();
    let wants = |names: &[&str]| sections.iter().any(|name| names.contains(&name.as_str()));
    let mut text = String::new();
    if sections.is_empty() || wants(&["server", "default", "all", "everything"]) {
        let (process, uptime) = (std::process::id(), store.started.elapsed().as_secs());
        text += &format!(
            "# Server\r\nredis_version:{VERSION}\r\nserver_name:embedded\r\nredis_mode:standalone\r\n\
             process_id:{process}\r\nuptime_in_seconds:{uptime}\r\n"
        );
    }
    if wants(&["commandstats", "all", "everything"]) {
        text += "# Commandstats\r\n";
        // How long the calls took is of no interest in a server that is not measured.
        for (name, calls) in &store.calls {
            let _ = write!(text, "cmdstat_{name}:calls={calls}\r\n");
        }
    }
    Value::Bulk(text.into_bytes())
}

fn add(store: &mut Store, key: &[u8], difference: i64) -> Result<Value, String> {
    let old = store.get(key).map_or(Some(0), parse_integer);
    let new = old.ok_or(NOT_AN_INTEGER)?.checked_add(difference);
    let new = new.ok_or("ERR increment or decrement would overflow")?;
    store.set(key, new.to_string().as_bytes())?;
    Ok(Value::Integer(new))
}

fn ok() -> Value {
    Value::Simple("OK".to_owned())
}

/// The number of keys of which something is so.
fn count(keys: &[Vec<u8>], mut is_so: impl FnMut(&[u8]) -> bool) -> Value {
    Value::Integer(keys.iter().map(|key| i64::from(is_so(key))).sum())
}

fn wrong_number(name: &str) -> String {
    format!("ERR wrong number of arguments for '{name}' command")
}

fn quote(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(QUOTED_BYTES_MAX)]).into_owned()
}

/// The names of commands and sections, in which case does not matter.
fn lower_case(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_ascii_lowercase()
}
