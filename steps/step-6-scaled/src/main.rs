//! Start-up: read the environment, bind the port, serve until told to stop.

use std::{error::Error, future::Future, io, process::ExitCode, sync::Arc};

use step_6_scaled::{
    Counter, app,
    cores::{Core, Shared},
    serve::{listen, serve},
    settings::Settings,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{Layer, fmt, prelude::*};

/// Every visit takes memory and gives it back. This allocator does so without a look at the other cores:
/// 3 % more visits a second at 1000 connections, measured in turns with the system's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// The runtime of the acceptor. Each core has its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let Err(error) = start().await {
        eprintln!("step-6-scaled: {error}");
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

    let shared = Arc::new(Shared::new(&limits));
    let counter = || Counter::new(redis.clone(), limits, shared.clone());
    let cores = (0..limits.cores).map(|_| Core::start(|| Ok(app(counter()?))));
    let cores = cores.collect::<Result<Vec<Core>, _>>()?;
    let stop = stop_signal()?;
    let listener = listen(addr, &limits)
        .map_err(|error| format!("ADDR is {addr}, but nobody can listen there: {error}"))?;
    println!("step-6-scaled: http://{}", listener.local_addr()?);
    serve(listener, cores, &limits, stop).await;
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
