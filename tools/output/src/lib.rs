//! What the tools show on the terminal and write into files.
//!
//! - [`terminal`]: styles, progress, errors.
//! - [`unknown`]: that there is no such name, and which one may have been meant.
//! - [`section`]: parts of a Markdown file that are generated and never typed.
//! - [`Table`]: for a page or for the terminal.

pub mod section;
mod table;
pub mod terminal;

pub use table::{Row, Table};

/// From which likeness on (0 to 1, Jaro-Winkler) a name may be what somebody meant.
const LIKENESS_MIN: f64 = 0.55;

/// Says that there is no such thing, which one may have been meant, and which there are.
pub fn unknown(what: &str, typed: &str, names: &[&str]) -> String {
    let known = names.join(", ");
    let next = match nearest(typed, names) {
        Some(name) => format!("did you mean {name}? There are: {known}"),
        None => format!("there are: {known}"),
    };
    format!("there is no {what} {typed:?}; {next}")
}

/// The name that is most like what was typed, if one is like it at all.
pub fn nearest<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(name, typed);
    let like = names.iter().map(|&name| (likeness(name), name));
    let like = like.filter(|(likeness, _)| *likeness >= LIKENESS_MIN);
    let nearest = like.max_by(|(a, _), (b, _)| a.total_cmp(b));
    nearest.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn a_name_is_suggested_only_if_it_is_like_what_was_typed() {
        let said = |typed| unknown("command", typed, &["run", "build"]);
        assert_eq!(
            said("rnu"),
            r#"there is no command "rnu"; did you mean run? There are: run, build"#
        );
        for typed in ["", "9", "zzz"] {
            let expected = format!("there is no command {typed:?}; there are: run, build");
            assert_eq!(said(typed), expected);
        }
    }
}
