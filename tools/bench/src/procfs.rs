//! What Linux tells about processes under `/proc`. Elsewhere every answer is `None`.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The fields of `/proc/PID/stat` that are used here, numbered as in proc_pid_stat(5), less the
/// two in front of the closing parenthesis, and counted from 0.
const GROUP: usize = 5 - 3;
const USER_TICKS: usize = 14 - 3;
const SYSTEM_TICKS: usize = 15 - 3;
const CHILDREN_USER_TICKS: usize = 16 - 3;
const CHILDREN_SYSTEM_TICKS: usize = 17 - 3;

/// The processor time that all processes of a group have used so far, with those of their children
/// that have ended.
pub(crate) fn group_cpu(group: u32) -> Option<Duration> {
    let stats = group_stats(group)?;
    let ticks = stats.iter().map(|(_, stat)| {
        let fields = [
            USER_TICKS,
            SYSTEM_TICKS,
            CHILDREN_USER_TICKS,
            CHILDREN_SYSTEM_TICKS,
        ];
        fields.map(|field| stat[field]).iter().sum::<u64>()
    });
    Some(from_ticks(ticks.sum()))
}

/// The processor time that our own children have used that have ended and been waited for.
pub(crate) fn ended_children_cpu() -> Option<Duration> {
    let stat = read_stat(Path::new("/proc/self"))?;
    Some(from_ticks(
        stat[CHILDREN_USER_TICKS] + stat[CHILDREN_SYSTEM_TICKS],
    ))
}

/// The most memory that the processes of a group have had at once, each by itself, added up.
/// Memory that they share is counted for each.
pub(crate) fn group_peak_memory_bytes(group: u32) -> Option<u64> {
    let peaks = group_stats(group)?;
    peaks
        .iter()
        .map(|(id, _)| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes * 1024)
        })
        .sum()
}

/// The processor time that the programs of the whole machine have used, interrupts not included,
/// and what a hypervisor took away.
pub(crate) fn machine_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .map_while(|ticks| ticks.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; user includes guests.
    let &[user, nice, system, _, _, _, _, steal, ..] = ticks.as_slice() else {
        return None;
    };
    Some(from_ticks(user + nice + system + steal))
}

/// How often a connection was refused a place in the accept queue of a port that listens, since the
/// machine started: `ListenOverflows` of Linux. Whoever is refused hears nothing, and tries again
/// after a second.
pub(crate) fn queue_overflows() -> Option<u64> {
    tcp_counter(
        &fs::read_to_string("/proc/self/net/netstat").ok()?,
        "ListenOverflows",
    )
}

/// A counter among the extended ones of TCP: one line has the names, the next has the values.
fn tcp_counter(netstat: &str, name: &str) -> Option<u64> {
    let mut lines = netstat
        .lines()
        .filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut counters = names.split(' ').zip(values.split(' '));
    let (_, value) = counters.find(|(found, _)| *found == name)?;
    value.parse().ok()
}

/// The numbers of a group's processes, each with the fields of its `stat` behind the name.
fn group_stats(group: u32) -> Option<Vec<(u32, Vec<u64>)>> {
    let mut stats = Vec::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process may end between the listing and the look.
        if let Some(stat) = read_stat(&entry.path())
            && stat[GROUP] == u64::from(group)
        {
            stats.push((id, stat));
        }
    }
    (!stats.is_empty()).then_some(stats)
}

fn read_stat(process: &Path) -> Option<Vec<u64>> {
    parse_stat(&fs::read_to_string(process.join("stat")).ok()?)
}

/// The fields behind the name of the program, which may contain spaces and parentheses itself.
/// What is not a whole number, such as the state, is 0.
fn parse_stat(stat: &str) -> Option<Vec<u64>> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<u64> = rest
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    (fields.len() > CHILDREN_SYSTEM_TICKS).then_some(fields)
}

#[cfg(target_os = "linux")]
fn from_ticks(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}

#[cfg(not(target_os = "linux"))]
fn from_ticks(_ticks: u64) -> Duration {
    unreachable!("there is no /proc to read ticks from")
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
        let fields = parse_stat(stat).unwrap();
        assert_eq!(fields[GROUP], 77);
        assert_eq!(
            fields[USER_TICKS..=CHILDREN_SYSTEM_TICKS],
            [100, 20, 3, 4],
            "{fields:?}"
        );
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
    fn a_visitor_who_finds_the_queue_full_is_counted() {
        let before = queue_overflows().unwrap();
        // Nobody accepts, and the queue of the standard library has 128 places.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let visit = || TcpStream::connect_timeout(&addr, Duration::from_millis(100));
        let visitors: Vec<_> = std::iter::repeat_with(visit)
            .take(1_000)
            .map_while(Result::ok)
            .collect();
        assert!(visitors.len() < 1_000, "everybody found a place");
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
        let cpu = group_cpu(shell.id()).unwrap();
        assert!(
            cpu >= Duration::from_millis(50),
            "only {cpu:?} for the loop"
        );
        let memory = group_peak_memory_bytes(shell.id()).unwrap();
        assert!(memory > 1 << 18, "{memory} bytes for two processes");
        shell.kill().unwrap();
        assert_eq!(group_cpu(u32::MAX), None, "there is no such group");
        assert!(ended_children_cpu().unwrap() >= Duration::from_millis(50));
        assert!(machine_cpu().unwrap() > cpu);
    }
}
