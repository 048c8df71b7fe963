//! What about the machine makes figures worth less. A warning says what to do about it.

use std::fs;
use std::path::Path;

/// A load average from this share of the cores on means that others are working.
const LOAD_SHARE_MAX: f64 = 0.25;

/// Less free space than this, in bytes, and results may be lost on the way to the disk.
const FREE_BYTES_MIN: u64 = 256 << 20;

/// Checks the machine before a run. `out` is the folder that the results will be in.
pub(crate) fn check(out: &Path, cores: usize) -> Vec<String> {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let governor = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    [
        load_average(&load, cores),
        governor.ok().and_then(|name| cpu_governor(name.trim())),
        battery(Path::new("/sys/class/power_supply")),
        disk(free_bytes(out)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn load_average(text: &str, cores: usize) -> Option<String> {
    let load: f64 = text.split_whitespace().next()?.parse().ok()?;
    (load > cores as f64 * LOAD_SHARE_MAX).then(|| {
        format!(
            "The load average was {load} on {cores} cores before the run began; wait until the machine is quiet."
        )
    })
}

fn cpu_governor(name: &str) -> Option<String> {
    (name != "performance").then(|| {
        format!(
            "The CPU governor is {name}, so the clock follows the load; fix it with: sudo cpupower frequency-set -g performance"
        )
    })
}

fn battery(supplies: &Path) -> Option<String> {
    let discharges = fs::read_dir(supplies).ok()?.flatten().any(|supply| {
        fs::read_to_string(supply.path().join("status"))
            .is_ok_and(|status| status.trim() == "Discharging")
    });
    discharges.then(|| "The machine runs on battery, which slows it down; plug it in.".to_owned())
}

fn disk(free_bytes: Option<u64>) -> Option<String> {
    let free = free_bytes.filter(|free| *free < FREE_BYTES_MIN)?;
    Some(format!(
        "Only {} MiB are free on the disk of the results; make room, or they may be lost.",
        free >> 20
    ))
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_told_from_a_quiet_one() {
        assert_eq!(load_average("0.49 1.00 3.00 1/99 1234\n", 2), None);
        let warning = load_average("1.70 1.00 3.00 1/99 1234\n", 2).unwrap();
        assert!(warning.contains("1.7 on 2 cores"), "{warning}");
        assert_eq!(load_average("", 2), None, "no /proc, no warning");
    }

    #[test]
    fn a_clock_that_follows_the_load_is_worth_a_warning() {
        assert_eq!(cpu_governor("performance"), None);
        assert!(cpu_governor("powersave").unwrap().contains("cpupower"));
    }

    #[test]
    fn a_battery_matters_only_while_it_is_used() {
        let supplies = tempfile::tempdir().unwrap();
        assert_eq!(battery(supplies.path()), None);
        let status = supplies.path().join("BAT0/status");
        fs::create_dir(status.parent().unwrap()).unwrap();
        fs::write(&status, "Charging\n").unwrap();
        assert_eq!(battery(supplies.path()), None);
        fs::write(&status, "Discharging\n").unwrap();
        assert!(battery(supplies.path()).is_some());
    }

    #[test]
    fn a_full_disk_is_worth_a_warning() {
        assert_eq!(disk(None), None);
        assert_eq!(disk(Some(FREE_BYTES_MIN)), None);
        assert!(disk(Some(5 << 20)).unwrap().contains("5 MiB"));
        assert!(free_bytes(Path::new(".")).unwrap() > 0);
    }
}
