//! What the terminal shows. Results go to standard output, progress and errors to standard error.
//!
//! `anstream` removes the colours where nobody sees them: in a file, a pipe, with `NO_COLOR`.

use std::process::ExitCode;

/// The exit status of wrong use, and of what could not start.
pub const COULD_NOT_START: u8 = 2;

/// Escape codes of the few styles in use. Each also differs in words or symbols, never in colour alone.
pub const BOLD: &str = "\x1b[1m";
/// Less important.
pub const DIM: &str = "\x1b[2m";
/// Wrong, or removed.
pub const RED: &str = "\x1b[31m";
/// Right, or added.
pub const GREEN: &str = "\x1b[32m";
/// Left out.
pub const YELLOW: &str = "\x1b[33m";
/// Back to normal.
pub const RESET: &str = "\x1b[0m";

/// Prints what went wrong.
pub fn error(message: &str) {
    anstream::eprintln!("{RED}{BOLD}error:{RESET} {message}");
}

/// Prints what is about to happen.
pub fn progress(message: &str) {
    anstream::eprintln!("{DIM}>{RESET} {message}");
}

/// How a program ends. An error is printed: something could not start.
pub fn end(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        error(&one_line(&failure));
        ExitCode::from(COULD_NOT_START)
    })
}

/// An error and its causes on one line. Some errors quote their cause themselves: once is enough.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line += &format!(": {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("refused").context("no answer: refused");
        let error = error.context("URL is x");
        assert_eq!(super::one_line(&error), "URL is x: no answer: refused");
        let error = anyhow!("refused").context("URL is x");
        assert_eq!(super::one_line(&error), "URL is x: refused");
    }
}
