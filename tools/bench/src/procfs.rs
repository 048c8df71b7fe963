//! What Linux tells about processes under `/proc`. Elsewhere every answer is `None`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    group: u32,
    /// The processor time that it has used, in ticks.
    ticks: u64,
    /// That of its children that have ended and been waited for.
    children_ticks: u64,
}

/// The processor time that all processes of each group have used so far, with those of their children
/// that have ended.
pub(crate) fn group_cpu() -> Option<HashMap<u32, Duration>> {
    let mut groups = HashMap::new();
    for (_, stat) in stats()? {
        let group = groups.entry(stat.group).or_default();
        *group += from_ticks(stat.ticks + stat.children_ticks);
    }
    Some(groups)
}

/// The processor time that our own children have used that have ended and been waited for.
pub(crate) fn ended_children_cpu() -> Option<Duration> {
    let stat = read_stat(Path::new("/proc/self"))?;
    Some(from_ticks(stat.children_ticks))
}

/// The most memory that the processes of a group have had at once, each by itself, added up.
/// Memory that they share is counted for each.
pub(crate) fn group_peak_memory_bytes(group: u32) -> Option<u64> {
    let processes = stats()?.filter(|(_, stat)| stat.group == group);
    let peaks = processes.map(|(id, _)| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let mut lines = status.lines();
        let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = peak.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    });
    peaks.sum()
}

/// The processor time that the programs of the whole machine have used, interrupts not included,
/// and what a hypervisor took away.
pub(crate) fn machine_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks = line
        .split_whitespace()
        .map_while(|ticks| ticks.parse().ok());
    let ticks: Vec<u64> = ticks.collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; user includes guests.
    let &[user, nice, system, _, _, _, _, steal, ..] = ticks.as_slice() else {
        return None;
    };
    Some(from_ticks(user + nice + system + steal))
}

/// How often a connection found no room in the listen backlog of a port that listens, since the
/// machine started: `ListenOverflows` of Linux. A client that is refused is not told, and tries again
/// after a second.
pub(crate) fn queue_overflows() -> Option<u64> {
    let netstat = fs::read_to_string("/proc/self/net/netstat").ok()?;
    tcp_counter(&netstat, "ListenOverflows")
}

/// A counter among the extended ones of TCP: one line has the names, the next has the values.
fn tcp_counter(netstat: &str, name: &str) -> Option<u64> {
    let lines = netstat.lines();
    let mut lines = lines.filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut counters = names.split(' ').zip(values.split(' '));
    let (_, value) = counters.find(|(found, _)| *found == name)?;
    value.parse().ok()
}

/// All processes, by their numbers.
fn stats() -> Option<impl Iterator<Item = (u32, Stat)>> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut processes = processes
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            // A process may end between the listing and the reading.
            Some((id, read_stat(&entry.path())?))
        })
        .peekable();
    // Elsewhere than on Linux there are none.
    processes.peek().is_some().then_some(processes)
}

fn read_stat(process: &Path) -> Option<Stat> {
    parse_stat(&fs::read_to_string(process.join("stat")).ok()?)
}

/// Reads the fields behind the name of the program, which may contain spaces and parentheses itself.
fn parse_stat(stat: &str) -> Option<Stat> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Numbered as in proc_pid_stat(5); the first that is left is the third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        group: field(5)?.try_into().ok()?,
        ticks: field(14)? + field(15)?,
        children_ticks: field(16)? + field(17)?,
    })
}

fn from_ticks(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use processes::{Output, Process};
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let stat = "42 (a) b (c) S 1 77 42 0 -1 4194304 9 8 7 6 100 20 3 4 20 0";
        let expected = Stat {
            group: 77,
            ticks: 120,
            children_ticks: 7,
        };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat("42 (short) S 1 2 3"), None);
    }

    #[test]
    fn a_counter_is_found_under_its_name() {
        let netstat = "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 7 42\n\
            IpExt: ListenOverflows\nIpExt: 9\n";
        assert_eq!(tcp_counter(netstat, "ListenOverflows"), Some(42));
        assert_eq!(tcp_counter(netstat, "ListenDrops"), None);
    }

    #[test]
    fn a_connection_that_finds_the_queue_full_is_counted() {
        let before = queue_overflows().unwrap();
        // Nothing accepts, and the queue of the standard library has 128 places.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let connect = |_| TcpStream::connect_timeout(&addr, Duration::from_millis(100));
        let connections: Vec<_> = (0..1_000).map_while(|i| connect(i).ok()).collect();
        assert!(connections.len() < 1_000, "the queue took all of them");
        assert!(queue_overflows().unwrap() > before);
    }

    #[test]
    fn the_work_of_a_grandchild_counts_for_its_group() {
        let mut shell = Command::new("sh");
        // Not `exec`: the shell itself waits, its child works.
        shell.args([
            "-c",
            "sh -c 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'; echo done; sleep 60",
        ]);
        let mut shell = Process::spawn("shell", shell, Output::Capture).unwrap();
        shell
            .wait_for_line(Duration::from_secs(60), |line| line == "done")
            .unwrap();
        let cpu = group_cpu().unwrap()[&shell.id()];
        assert!(
            cpu >= Duration::from_millis(50),
            "only {cpu:?} for the loop"
        );
        let memory = group_peak_memory_bytes(shell.id()).unwrap();
        assert!(memory > 1 << 18, "{memory} bytes for two processes");
        shell.kill().unwrap();
        assert!(ended_children_cpu().unwrap() >= Duration::from_millis(50));
        assert!(machine_cpu().unwrap() > cpu);
    }
}
