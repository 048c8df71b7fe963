//! The commands, and what is answered when there is no such command.

use super::session::Session;
use super::store::Store;
use super::{connection, info, strings};
use crate::resp::Value;

/// How much of an unknown command, and of its arguments, is quoted. Redis has the same limit.
const QUOTED_BYTES_MAX: usize = 128;

/// A command that this server knows.
pub(super) struct Command {
    /// In lower case. A subcommand has the name of its command in front: `client|id`.
    pub(super) name: &'static str,
    /// How many words it takes, its name included. `-2` means two or more.
    arity: isize,
    run: Handler,
}

/// Runs a command. The arguments begin with its name.
type Handler = fn(&mut Session, &mut Store, &[Vec<u8>]) -> Value;

const fn command(name: &'static str, arity: isize, run: Handler) -> Command {
    Command { name, arity, run }
}

/// All commands, with the arities that Redis gives them.
pub(super) const COMMANDS: [Command; 29] = [
    command("auth", -2, connection::auth),
    command("client", -2, connection::needs_subcommand),
    command("client|getname", 2, connection::client_getname),
    command("client|id", 2, connection::client_id),
    command("client|info", 2, connection::client_info),
    command("client|setinfo", 4, connection::client_setinfo),
    command("client|setname", 3, connection::client_setname),
    command("command", -1, info::command),
    command("command|count", 2, info::command_count),
    command("command|docs", -2, info::command_docs),
    command("config", -2, connection::needs_subcommand),
    command("config|resetstat", 2, info::config_resetstat),
    command("dbsize", 1, strings::dbsize),
    command("decr", 2, strings::decr),
    command("decrby", 3, strings::decrby),
    command("del", -2, strings::del),
    command("echo", 2, connection::echo),
    command("exists", -2, strings::exists),
    command("flushall", -1, strings::flushall),
    command("get", 2, strings::get),
    command("hello", -1, connection::hello),
    command("incr", 2, strings::incr),
    command("incrby", 3, strings::incrby),
    command("info", -1, info::info),
    command("ping", -1, connection::ping),
    command("quit", -1, connection::quit),
    command("select", 2, connection::select),
    command("set", -3, strings::set),
    command("unwatch", 1, connection::unwatch),
];

/// Runs the command that `arguments`, which are not empty, begin with.
pub(super) fn run(session: &mut Session, store: &mut Store, arguments: &[Vec<u8>]) -> Value {
    match find(arguments) {
        Err(error) => Value::Error(error),
        Ok(index) => {
            let answer = (COMMANDS[index].run)(session, store, arguments);
            store.calls[index] += 1;
            answer
        }
    }
}

fn find(arguments: &[Vec<u8>]) -> Result<usize, String> {
    let name = lower_case(&arguments[0]);
    // What a client sends never has a bar in it; only our own names for subcommands have.
    let mut index = position(&name)
        .filter(|_| !name.contains('|'))
        .ok_or_else(|| unknown(arguments))?;
    let is_family = COMMANDS
        .get(index + 1)
        .is_some_and(|next| next.name.starts_with(&format!("{name}|")));
    if let Some(subcommand) = arguments.get(1).filter(|_| is_family) {
        index = position(&format!("{name}|{}", lower_case(subcommand))).ok_or_else(|| {
            let (quoted, family) = (quote(subcommand, QUOTED_BYTES_MAX), name.to_uppercase());
            format!("ERR unknown subcommand '{quoted}'. Try {family} HELP.")
        })?;
    }
    let Command { name, arity, .. } = COMMANDS[index];
    let given = arguments.len();
    match arity < 0 && given >= arity.unsigned_abs() || given == arity.unsigned_abs() {
        true => Ok(index),
        false => Err(format!(
            "ERR wrong number of arguments for '{name}' command"
        )),
    }
}

fn position(name: &str) -> Option<usize> {
    COMMANDS.iter().position(|command| command.name == name)
}

/// Quotes the command and the beginning of its arguments.
fn unknown(arguments: &[Vec<u8>]) -> String {
    let mut message = format!(
        "ERR unknown command '{}', with args beginning with: ",
        quote(&arguments[0], QUOTED_BYTES_MAX)
    );
    let beginning = message.len();
    for argument in &arguments[1..] {
        let quoted = message.len() - beginning;
        if quoted >= QUOTED_BYTES_MAX {
            break;
        }
        message.push_str(&format!(
            "'{}' ",
            quote(argument, QUOTED_BYTES_MAX - quoted)
        ));
    }
    message
}

fn quote(text: &[u8], bytes_max: usize) -> String {
    String::from_utf8_lossy(&text[..text.len().min(bytes_max)]).into_owned()
}

/// The names of commands and options, in which case does not matter.
pub(super) fn lower_case(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_ascii_lowercase()
}
