//! A copy of a step that runs.

use std::{net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context, Result};
use processes::{Output, Process, Signal, free_port};

use crate::Subject;

/// How long a step may take until it listens, and to end: its own drain time-out, and more.
const START_TIMEOUT: Duration = Duration::from_secs(15);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A copy of a step that can be stopped and started again, always at the same address.
pub struct Service {
    name: String,
    program: std::path::PathBuf,
    arguments: Vec<std::ffi::OsString>,
    environment: Vec<(String, String)>,
    addr: SocketAddr,
    process: Option<Process>,
}

impl Service {
    /// Starts a step on that Redis, with these settings.
    ///
    /// # Errors
    ///
    /// When there is no port, or it does not start.
    pub fn start(subject: &Subject, redis_url: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let own = [
            ("ADDR", addr.to_string()),
            ("REDIS_URL", redis_url.to_owned()),
        ];
        let settings = settings
            .iter()
            .map(|&(name, value)| (name, value.to_owned()));
        let all = own.into_iter().chain(settings);
        let mut service = Self {
            name: subject.name.clone(),
            program: subject.program.path.clone(),
            arguments: subject.program.arguments.clone(),
            environment: all.map(|(name, value)| (name.to_owned(), value)).collect(),
            addr,
            process: None,
        };
        service.start_again()?;
        Ok(service)
    }

    /// Where it is.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Starts it again. One that still runs is waited for, and killed if it does not end.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        if let Some(mut old) = self.process.take()
            && old.wait_timeout(STOP_TIMEOUT)?.is_none()
        {
            old.kill()?;
        }
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_remove("RUST_LOG");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut process = Process::spawn(&self.name, command, Output::Capture)?;
        process.wait_for_line(START_TIMEOUT, |line| line.contains("http://"))?;
        self.process = Some(process);
        Ok(())
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> Result<bool> {
        let status = self.process.as_mut().map(Process::try_wait).transpose()?;
        Ok(status == Some(None))
    }

    /// The last lines that it has printed.
    pub fn log(&self, lines: usize) -> String {
        let process = self.process.as_ref();
        process.map_or_else(String::new, |process| process.output_tail(lines))
    }

    /// Sends it a signal. One that has ended hears nothing.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().context("this copy does not run")?;
        Ok(process.signal(signal)?)
    }
}
