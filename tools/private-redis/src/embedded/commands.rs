//! The commands, and what is answered when there is no such command. The errors are Redis's own words.

use std::fmt::Write;

use super::store::{Full, Store};
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

/// Runs a request, which has at least a name.
pub(super) fn run(session: &mut Session, store: &mut Store, request: &[Vec<u8>]) -> Value {
    let (name, arguments) = match find(request) {
        Ok(found) => found,
        Err(message) => return Value::Error(message),
    };
    let answer = match (name.as_str(), arguments) {
        // Libraries tell their name and version. Nobody asks for them.
        ("client|setinfo", [_, _]) | ("client|setname", [_]) => ok(),
        ("config|resetstat", []) => {
            store.calls.clear();
            ok()
        }
        ("del", [_, ..]) => count(arguments.iter().filter(|key| store.remove(key)).count()),
        ("echo", [message]) => Value::Bulk(message.clone()),
        ("exists", [_, ..]) => {
            let keys = arguments.iter();
            count(keys.filter(|key| store.get(key).is_some()).count())
        }
        ("flushall", []) => {
            store.clear();
            ok()
        }
        ("get", [key]) => store
            .get(key)
            .map_or(Value::Null, |value| Value::Bulk(value.to_vec())),
        ("hello", [version]) => hello(session, version),
        ("incr", [key]) => add(store, key, 1),
        ("incrby", [key, difference]) => match parse_integer(difference) {
            Some(difference) => add(store, key, difference),
            None => error(NOT_AN_INTEGER),
        },
        ("info", sections) => info(store, sections),
        ("ping", []) => Value::Simple("PONG".to_owned()),
        ("ping", [message]) => Value::Bulk(message.clone()),
        ("set", [key, value]) => store.set(key, value).map_or_else(Value::from, |()| ok()),
        // Nothing can be watched, so nothing is.
        ("unwatch", []) => ok(),
        // Redis has options here, which nobody uses.
        ("set", [_, _, ..]) | ("flushall" | "hello", _) => error("ERR syntax error"),
        _ => return error(&wrong_number(&name)),
    };
    *store.calls.entry(name).or_default() += 1;
    answer
}

/// Finds the command that a request names, and its arguments.
fn find(request: &[Vec<u8>]) -> Result<(String, &[Vec<u8>]), String> {
    let name = lower_case(&request[0]);
    let family = format!("{name}|");
    if COMMANDS
        .iter()
        .any(|command| command.starts_with(family.as_str()))
    {
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
fn hello(session: &mut Session, version: &[u8]) -> Value {
    let version = match parse_integer(version) {
        Some(version @ 2..=3) => version,
        Some(_) => return error("NOPROTO unsupported protocol version"),
        None => return error("ERR Protocol version is not an integer or out of range"),
    };
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
    Value::Map(pairs.map(|(key, value)| (text(key), value)).to_vec())
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

fn add(store: &mut Store, key: &[u8], difference: i64) -> Value {
    let Some(old) = store.get(key).map_or(Some(0), parse_integer) else {
        return error(NOT_AN_INTEGER);
    };
    let Some(new) = old.checked_add(difference) else {
        return error("ERR increment or decrement would overflow");
    };
    let stored = store.set(key, new.to_string().as_bytes());
    stored.map_or_else(Value::from, |()| Value::Integer(new))
}

fn ok() -> Value {
    Value::Simple("OK".to_owned())
}

fn count(count: usize) -> Value {
    Value::Integer(i64::try_from(count).expect("no request has so many arguments"))
}

fn error(message: &str) -> Value {
    Value::Error(message.to_owned())
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

impl From<Full> for Value {
    fn from(_: Full) -> Value {
        error("OOM command not allowed when used memory > 'maxmemory'.")
    }
}
