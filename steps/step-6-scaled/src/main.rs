//! Start-up: read the environment, bind the port, serve until told to stop.

use std::{
    error::Error,
    future::Future,
    io,
    process::{self, ExitCode},
    sync::Arc,
};

use step_6_scaled::{
    App, Counter,
    cores::{Core, Shared},
    serve::{listen, serve},
    settings::Settings,
};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::{Layer, fmt, prelude::*};

/// Every visit takes memory and gives it back. This allocator does so without a look at the other cores:
/// 3 % more visits a second at 1000 connections, measured in turns with the system's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Err(error) = run() {
        eprintln!("step-6-scaled: {error}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

/// What `#[tokio::main]` does, but for the end. It would wait for all threads of the runtime, and one
/// of them may be waiting for a name server that does not answer.
fn run() -> Result<(), Box<dyn Error>> {
    // The runtime of the acceptor. Each core has its own.
    let runtime = Builder::new_current_thread().enable_all().build()?;
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
    let shared = Arc::new(Shared::new(&limits));
    let counter = || Counter::new(redis.clone(), limits, shared.clone());
    let cores = (0..limits.cores).map(|_| Core::start(|| Ok(App::new(Arc::new(counter()?)))));
    let cores = cores.collect::<Result<Vec<Core<App>>, _>>()?;
    let stopping = shared.clone();
    let signalled = stop_signal()?;
    let stop = async move {
        signalled.await;
        stopping.stop();
    };
    let listener = listen(addr, &limits)
        .map_err(|error| format!("ADDR is {addr}, but the service cannot listen there: {error}"))?;
    println!("step-6-scaled: http://{}", listener.local_addr()?);
    serve(listener, cores, limits, stop).await;
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
