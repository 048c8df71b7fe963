//! The embedded Redis as a program of its own:
//!
//! ```text
//! cargo run --package private-redis --bin embedded-redis 127.0.0.1:6379
//! ```

use std::net::TcpListener;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(address) = std::env::args().nth(1) else {
        eprintln!("embedded-redis: give the address to listen on, such as 127.0.0.1:6379");
        return ExitCode::from(2);
    };
    let served = TcpListener::bind(&address).and_then(private_redis::embedded::serve);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embedded-redis: cannot serve {address}: {error}");
            ExitCode::from(2)
        }
    }
}
