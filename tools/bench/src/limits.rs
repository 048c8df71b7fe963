//! How many files the system lets us open: every connection is one, at both of its ends.

use anyhow::{Result, bail};

/// What a process needs besides its connections: libraries, logs, connections to Redis.
const OTHERS: u64 = 256;

/// Raises the limit on open files for us and our children, where it is too low for so many
/// connections.
///
/// # Errors
///
/// When the system allows no more, with the command that changes that.
#[cfg(unix)]
pub fn allow_connections(connections: u32) -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = u64::from(connections) + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    let is_allowed = limit.maximum.is_none_or(|maximum| maximum >= needed);
    if !is_allowed || setrlimit(Resource::Nofile, raised).is_err() {
        bail!(
            "{connections} connections need {needed} open files, and this system allows {}; allow more with: ulimit -Hn {needed} (as root, or through /etc/security/limits.conf), or ask for fewer with --connections",
            limit.maximum.unwrap_or_default()
        );
    }
    Ok(())
}

/// Other systems have no such limit to raise.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn allow_connections(_connections: u32) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_limit_is_raised_when_it_can_be_and_named_when_it_cannot() {
        let limit = getrlimit(Resource::Nofile);
        let (Some(current), Some(maximum)) = (limit.current, limit.maximum) else {
            return;
        };
        if let Ok(fits) = u32::try_from(maximum - OTHERS) {
            allow_connections(fits).unwrap();
            let raised = getrlimit(Resource::Nofile).current.unwrap();
            assert!(raised >= current && raised >= maximum);
        }
        if let Ok(too_many) = u32::try_from(maximum) {
            let error = allow_connections(too_many).unwrap_err().to_string();
            assert!(error.contains("ulimit -Hn"), "{error}");
        }
    }
}
