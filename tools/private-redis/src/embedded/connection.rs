//! The commands that are about the connection. The errors are Redis's own words.

use super::commands::lower_case;
use super::info::VERSION;
use super::session::Session;
use super::store::Store;
use crate::resp::{Protocol, Value, parse_integer};

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";

const BAD_NAME: &str = "ERR Client names cannot contain spaces, newlines or special characters.";

/// `HELLO [version [AUTH user password] [SETNAME name]]`. When it is refused, nothing changes.
pub(super) fn hello(session: &mut Session, _: &mut Store, arguments: &[Vec<u8>]) -> Value {
    let protocol = match arguments.get(1).map(|version| parse_integer(version)) {
        None => session.protocol,
        Some(Some(2)) => Protocol::Resp2,
        Some(Some(3)) => Protocol::Resp3,
        Some(Some(_)) => return error("NOPROTO unsupported protocol version"),
        Some(None) => return error("ERR Protocol version is not an integer or out of range"),
    };
    let mut name = None;
    let mut options = arguments.get(2..).unwrap_or_default();
    while let [option, values @ ..] = options {
        options = match (lower_case(option).as_str(), values) {
            ("auth", [user, _, rest @ ..]) if user == b"default" => rest,
            ("auth", [_, _, ..]) => return error(WRONG_PASSWORD),
            ("setname", [text, _rest @ ..]) if !is_name(text) => return error(BAD_NAME),
            ("setname", [text, rest @ ..]) => {
                name = Some(text);
                rest
            }
            _ => {
                let option = String::from_utf8_lossy(option);
                return Value::Error(format!("ERR Syntax error in HELLO option '{option}'"));
            }
        };
    }
    session.protocol = protocol;
    if let Some(name) = name {
        session.name.clone_from(name);
    }
    greeting(session)
}

fn greeting(session: &Session) -> Value {
    let protocol = match session.protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let pairs = [
        ("server", Value::bulk("redis")),
        ("version", Value::bulk(VERSION)),
        ("proto", Value::Integer(protocol)),
        ("id", Value::Integer(session.id)),
        ("mode", Value::bulk("standalone")),
        ("role", Value::bulk("master")),
        ("modules", Value::Array(Vec::new())),
    ];
    Value::Map(
        pairs
            .into_iter()
            .map(|(key, value)| (Value::bulk(key), value))
            .collect(),
    )
}

/// There is one user, `default`, without a password. As in Redis, it may be named with any
/// password at all, but a password alone is taken for a misunderstanding.
pub(super) fn auth(_: &mut Session, _: &mut Store, arguments: &[Vec<u8>]) -> Value {
    match arguments {
        [_, _] => error(
            "ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?",
        ),
        [_, user, _] if user == b"default" => Value::ok(),
        [_, _, _] => error(WRONG_PASSWORD),
        _ => error("ERR syntax error"),
    }
}

pub(super) fn ping(_: &mut Session, _: &mut Store, arguments: &[Vec<u8>]) -> Value {
    match arguments {
        [_] => Value::Simple("PONG".to_owned()),
        [_, message] => Value::bulk(message.as_slice()),
        _ => error("ERR wrong number of arguments for 'ping' command"),
    }
}

pub(super) fn echo(_: &mut Session, _: &mut Store, arguments: &[Vec<u8>]) -> Value {
    Value::bulk(arguments[1].as_slice())
}

pub(super) fn quit(session: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    session.is_over = true;
    Value::ok()
}

/// There is one database, number 0.
pub(super) fn select(_: &mut Session, _: &mut Store, arguments: &[Vec<u8>]) -> Value {
    match parse_integer(&arguments[1]) {
        Some(0) => Value::ok(),
        Some(_) => error("ERR DB index is out of range"),
        None => error("ERR value is not an integer or out of range"),
    }
}

/// Nothing can be watched, so nothing is.
pub(super) fn unwatch(_: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    Value::ok()
}

pub(super) fn client_id(session: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    Value::Integer(session.id)
}

pub(super) fn client_getname(session: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    match session.name.as_slice() {
        b"" => Value::Null,
        name => Value::bulk(name),
    }
}

pub(super) fn client_setname(session: &mut Session, _: &mut Store, arguments: &[Vec<u8>]) -> Value {
    if !is_name(&arguments[2]) {
        return error(BAD_NAME);
    }
    session.name.clone_from(&arguments[2]);
    Value::ok()
}

/// Clients tell the name and version of their library. It is checked and forgotten.
pub(super) fn client_setinfo(_: &mut Session, _: &mut Store, arguments: &[Vec<u8>]) -> Value {
    let attribute = lower_case(&arguments[2]);
    match attribute.as_str() {
        "lib-name" | "lib-ver" if is_name(&arguments[3]) => Value::ok(),
        "lib-name" | "lib-ver" => Value::Error(format!(
            "ERR {attribute} cannot contain spaces, newlines or special characters."
        )),
        _ => Value::Error(format!(
            "ERR Unrecognized option '{}'",
            String::from_utf8_lossy(&arguments[2])
        )),
    }
}

pub(super) fn client_info(session: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    let protocol = match session.protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let name = String::from_utf8_lossy(&session.name);
    Value::Verbatim(format!(
        "id={} name={name} db=0 user=default resp={protocol}\n",
        session.id
    ))
}

/// `CLIENT` and `CONFIG` mean nothing alone. Their arity says so before this can run.
pub(super) fn needs_subcommand(_: &mut Session, _: &mut Store, _: &[Vec<u8>]) -> Value {
    error("ERR syntax error")
}

fn is_name(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

fn error(message: &str) -> Value {
    Value::Error(message.to_owned())
}
