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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_added_up_but_not_the_question() {
        let info = "# Commandstats\r\ncmdstat_incr:calls=5,usec=9,usec_per_call=1.80\r\n\
            cmdstat_info:calls=100,usec=1\r\ncmdstat_client|setinfo:calls=2,usec=1\r\n";
        assert_eq!(redis_commands(info), 7);
        assert_eq!(redis_commands("# Commandstats\r\n"), 0);
    }
}
