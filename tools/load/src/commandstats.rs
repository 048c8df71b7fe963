//! What visits cost Redis.

/// How many commands Redis has executed, from its answer to `INFO commandstats`, whose lines look like
/// `cmdstat_incr:calls=42,usec=…`. The question itself is not counted.
pub fn redis_commands(info: &str) -> u64 {
    let others = info
        .lines()
        .filter(|line| !line.starts_with("cmdstat_info:"));
    let calls = others.filter_map(|line| {
        let (_, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        rest.split(',').next()?.parse::<u64>().ok()
    });
    calls.sum()
}
