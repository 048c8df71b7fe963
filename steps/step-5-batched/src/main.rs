//! Start-up: read the environment, bind the port, serve until told to stop.

use std::{error::Error, future::Future, io, process::ExitCode};

use step_5_batched::{
    Counter, app,
    serve::{listen, serve},
    settings::Settings,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{Layer, fmt, prelude::*};

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = start().await {
        eprintln!("step-5-batched: {error}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

async fn start() -> Result<(), Box<dyn Error>> {
    let Settings {
        log,
        addr,
        redis,
        limits,
    } = Settings::from_env()?;
    let log = fmt::layer().with_writer(io::stderr).with_filter(log);
    tracing_subscriber::registry().with(log).init();

    let counter = Counter::new(redis, limits)?;
    let stop = stop_signal()?;
    let listener = listen(addr, &limits)
        .map_err(|error| format!("ADDR is {addr}, but nobody can listen there: {error}"))?;
    println!("step-5-batched: http://{}", listener.local_addr()?);
    serve(listener, app(counter), &limits, stop).await;
    Ok(())
}

/// Completes on SIGTERM, with which Docker and systemd stop a process, and on Ctrl-C.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
