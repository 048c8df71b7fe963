//! The commands in which the server speaks of itself.

use std::fmt::Write;

use super::commands::{COMMANDS, lower_case};
use super::session::Session;
use super::store::Store;
use crate::resp::Value;

/// The Redis whose answers this server gives. Clients choose their commands by it.
pub(super) const VERSION: &str = "7.0.0";

/// `INFO [section …]`, of which there are `server` and `commandstats`.
pub(super) fn info(_: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    let wanted: Vec<String> = arguments[1..]
        .iter()
        .map(|section| lower_case(section))
        .collect();
    let wants = |names: &[&str]| {
        wanted
            .iter()
            .any(|section| names.contains(&section.as_str()))
    };
    let mut sections = Vec::new();
    if wanted.is_empty() || wants(&["server", "default", "all", "everything"]) {
        sections.push(server(store));
    }
    if wants(&["commandstats", "all", "everything"]) {
        sections.push(command_statistics(store));
    }
    Value::Verbatim(sections.join("\r\n"))
}

fn server(store: &Store) -> String {
    format!(
        "# Server\r\nredis_version:{VERSION}\r\nserver_name:embedded\r\nredis_mode:standalone\r\n\
         process_id:{}\r\nuptime_in_seconds:{}\r\n",
        std::process::id(),
        store.started.elapsed().as_secs(),
    )
}

/// Only calls are counted: how long they took is of no interest in a server that is not measured.
fn command_statistics(store: &Store) -> String {
    let mut text = "# Commandstats\r\n".to_owned();
    for (command, calls) in COMMANDS
        .iter()
        .zip(store.calls)
        .filter(|&(_, calls)| calls > 0)
    {
        let _ = write!(text, "cmdstat_{}:calls={calls}\r\n", command.name);
    }
    text
}

pub(super) fn config_resetstat(_: &mut Session, store: &mut Store, _: &[Vec<u8>]) -> Value {
    store.calls.fill(0);
    Value::ok()
}

/// `COMMAND` lists the commands and how to route them. Who asks can do without.
pub(super) fn command(_: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    Value::Array(Vec::new())
}

pub(super) fn command_count(_: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    let count = COMMANDS
        .iter()
        .filter(|command| !command.name.contains('|'))
        .count();
    Value::Integer(i64::try_from(count).expect("the table is short"))
}

/// redis-cli asks for this when it starts, to complete what is typed.
pub(super) fn command_docs(_: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    Value::Map(Vec::new())
}
