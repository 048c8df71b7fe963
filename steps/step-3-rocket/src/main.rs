//! Start-up: read the environment, connect to Redis, hand the rest to Rocket.

use std::{error::Error, io, net::SocketAddr, process::ExitCode};

use rocket::{Config, config::LogLevel, error::ErrorKind, fairing::AdHoc};
use step_3_rocket::{Counter, app, settings::Settings};
use tracing_subscriber::{Layer, fmt, prelude::*};

#[rocket::main]
async fn main() -> ExitCode {
    if let Err(error) = start().await {
        eprintln!("step-3-rocket: {error}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

async fn start() -> Result<(), Box<dyn Error>> {
    let Settings { log, addr, redis } = Settings::from_env()?;
    let log = fmt::layer().with_writer(io::stderr).with_filter(log);
    tracing_subscriber::registry().with(log).init();

    let address = redis.addr().clone();
    let counter = Counter::connect(redis).await.map_err(|error| {
        format!("REDIS_URL leads to {address}, but no Redis serves there: {error}")
    })?;
    let config = Config {
        address: addr.ip(),
        port: addr.port(),
        log_level: LogLevel::Off,
        ..Config::release_default()
    };
    let announce = AdHoc::on_liftoff("announce", |rocket| {
        let Config { address, port, .. } = *rocket.config();
        println!(
            "step-3-rocket: http://{}",
            SocketAddr::from((address, port))
        );
        Box::pin(async {})
    });
    match app(counter, config).attach(announce).launch().await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            ErrorKind::Bind(error) => {
                format!("ADDR is {addr}, but the service cannot listen there: {error}").into()
            }
            _ => error.into(),
        }),
    }
}
