//! The one program in the image: the step, which serves, and beside it a health check, which asks.
//!
//! The image is built from `scratch`. It has no shell and no `curl` for Docker to ask with, and a
//! second static program would bring a second libc. So the Dockerfile puts this folder into the
//! step as `src/bin/web`, where the step's own `main.rs` is a module of it.

mod healthcheck;

/// The step's own program, as you read it, but for a `pub` that the Dockerfile adds.
#[path = "../../main.rs"]
mod step;

use std::{
    env,
    process::{ExitCode, Termination},
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => step::main().report(),
        [command, address] if command == "healthcheck" => healthcheck::run(address),
        _ => {
            eprintln!("expected nothing, or `healthcheck` and an address such as 127.0.0.1:5000");
            ExitCode::from(2)
        }
    }
}
