//! What `cargo xtask run` prints when a step is running.

use output::terminal::{BOLD, DIM, RESET};

/// The one block that says all: what runs, where, what else is to be known of it, and how to stop it.
pub fn print(title: &str, page: &str, more: &[(&str, &str)]) {
    anstream::println!("\n  {title}");
    anstream::println!("  {DIM}page{RESET}   {BOLD}{page}{RESET}");
    for (name, text) in more {
        anstream::println!("  {DIM}{name:<5}{RESET}  {text}");
    }
    anstream::println!("  {DIM}stop{RESET}   Ctrl-C\n");
}
