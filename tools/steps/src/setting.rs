//! The limits of a step, as its `settings.rs` has them.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::Step;

/// The default of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// So many.
    Count(u64),
    /// So long.
    Milliseconds(u64),
}

impl Step {
    /// The file that has its settings.
    pub fn settings_file(&self) -> PathBuf {
        self.folder.join("src/settings.rs")
    }

    /// The default of a limit, by the variable that changes it, such as `MAX_CONNECTIONS`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no such limit.
    pub fn setting(&self, variable: &str) -> Result<Setting> {
        let file = self.settings_file();
        let text = fs::read_to_string(&file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        default_in(&text, variable).with_context(|| {
            let step = &self.name;
            format!(
                "{step} has no limit called {variable} in its settings.rs; name one that it has"
            )
        })
    }
}

/// Finds a line such as `max_in_flight: count("MAX_IN_FLIGHT", 2048)?`.
fn default_in(text: &str, variable: &str) -> Option<Setting> {
    let (before, after) = text.split_once(&format!("\"{variable}\","))?;
    let number = after.split([',', ')']).next()?.trim().replace('_', "");
    let number = number.parse().ok()?;
    let reader = before.trim_end().strip_suffix('(')?;
    match reader.rsplit([' ', '\n']).next()? {
        "count" => Some(Setting::Count(number)),
        "milliseconds" => Some(Setting::Milliseconds(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_found_however_the_line_is_broken() {
        let text =
            "a: count(\"MAX\", 16_384)?,\nb: milliseconds(\n    \"WAIT_MS\",\n    300,\n)?,\n";
        assert_eq!(default_in(text, "MAX"), Some(Setting::Count(16_384)));
        assert_eq!(
            default_in(text, "WAIT_MS"),
            Some(Setting::Milliseconds(300))
        );
        assert_eq!(default_in(text, "WAIT"), None);
        assert_eq!(default_in("setting(\"ADDR\", 1)", "ADDR"), None);
    }
}
