//! Start-up: read the environment, bind the port, serve until told to stop.

use std::{
    error::Error,
    future::Future,
    io,
    process::{self, ExitCode},
    sync::Arc,
};

use step_5_batched::{
    Counter, app,
    serve::{listen, serve},
    settings::Settings,
};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::{Layer, fmt, prelude::*};

fn main() -> ExitCode {
    if let Err(error) = run() {
        eprintln!("step-5-batched: {error}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

/// What `#[tokio::main]` does, but for the end. It would wait for all threads of the runtime, and one
/// of them may be waiting for a name server that does not answer.
fn run() -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let result = runtime.block_on(start());
    runtime.shutdown_background();
    result
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

    let limits = limits.fit_open_files()?;
    let counter = Arc::new(Counter::new(redis, limits)?);
    let stopping = counter.clone();
    let signalled = stop_signal()?;
    let stop = async move {
        signalled.await;
        stopping.stop();
    };
    let listener = listen(addr, &limits)
        .map_err(|error| format!("ADDR is {addr}, but the service cannot listen there: {error}"))?;
    println!("step-5-batched: http://{}", listener.local_addr()?);
    serve(listener, app(counter), limits, stop).await;
    Ok(())
}

/// Completes on SIGTERM, with which Docker and systemd stop a process, and on Ctrl-C. After that, a
/// second signal ends the process at once: whoever sends it does not want to wait.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        next().await;
        tokio::spawn(async move {
            next().await;
            process::exit(1);
        });
    })
}
