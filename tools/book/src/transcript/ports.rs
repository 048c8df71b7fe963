//! The ports that the commands of a page use: they have to be free before the page begins.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    sync::LazyLock,
};

use regex::Regex;

static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:--port[ =]|localhost:|127\.0\.0\.1:)(\d+)").expect("the expression is right")
});

/// The port of a step that was not told another one.
const DEFAULT: u16 = 8000;

/// The ports that these commands name, or take without naming them.
pub fn of<'a>(commands: impl Iterator<Item = &'a str>) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for command in commands {
        ports.extend(
            NAMED
                .captures_iter(command)
                .filter_map(|found| found[1].parse::<u16>().ok()),
        );
        if command.contains("cargo xtask run") && !command.contains("--port") {
            ports.insert(DEFAULT);
        }
    }
    ports.remove(&0);
    ports
}

/// The first of the ports that somebody uses.
pub fn in_use(ports: &BTreeSet<u16>) -> Option<u16> {
    ports
        .iter()
        .copied()
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_in_commands() {
        let commands = [
            "cargo xtask run step-2",
            "cargo xtask run 2 --port 8001",
            "curl -i localhost:8002/x",
            "ls",
        ];
        assert_eq!(
            of(commands.into_iter()).into_iter().collect::<Vec<_>>(),
            [8000, 8001, 8002]
        );
    }

    #[test]
    fn a_port_in_use_is_found() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(in_use(&BTreeSet::from([port])), Some(port));
        drop(taken);
        assert_eq!(in_use(&BTreeSet::from([port])), None);
    }
}
