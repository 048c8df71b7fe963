//! Start-up: read the environment, bind the port, serve.

use std::{error::Error, io, process::ExitCode};

use step_1_memory::{Counter, app, settings::Settings};
use tokio::net::TcpListener;
use tracing_subscriber::{Layer, fmt, prelude::*};

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = start().await {
        eprintln!("step-1-memory: {error}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

async fn start() -> Result<(), Box<dyn Error>> {
    let Settings { log, addr } = Settings::from_env()?;
    let log = fmt::layer().with_writer(io::stderr).with_filter(log);
    tracing_subscriber::registry().with(log).init();

    let listener = TcpListener::bind(addr)
        .await
        .map_err(|error| format!("ADDR is {addr}, but the service cannot listen there: {error}"))?;
    println!("step-1-memory: http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app(Counter::default())).await?)
}
