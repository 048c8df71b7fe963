//! HAProxy with the configuration of the scale profile, as a process.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use load::Connection;
use processes::{Folder, Output, Process, free_port, poll, programs::on_path};

/// The configuration, in the repository.
const CONFIGURATION: &str = "scale/haproxy.cfg";

/// What is sent again in that configuration: only what was never sent.
const RETRIES_UNSENT: &str = "    retry-on conn-failure\n";

/// The other setting, as it stands there in a comment: also what was not answered.
const RETRIES_UNANSWERED: &str = "    # retry-on conn-failure empty-response response-timeout\n";

/// How long it may take until it listens, and until a copy is sent visits.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How often it is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A proxy that ends with us.
pub struct HaProxy {
    page: SocketAddr,
    statistics: SocketAddr,
    _process: Process,
    _folder: Folder,
}

impl HaProxy {
    /// Whether there is one on this machine.
    pub fn is_here() -> bool {
        on_path("haproxy").is_some()
    }

    /// Starts it before these copies of the service, with the configuration of the profile after `edit`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(
        root: &Path,
        webs: [SocketAddr; 3],
        edit: impl FnOnce(&str) -> String,
    ) -> Result<Self> {
        let text = fs::read_to_string(root.join(CONFIGURATION));
        let text = text.with_context(|| format!("cannot read {CONFIGURATION}"))?;
        let folder = Folder::new("seen-haproxy-")?;
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, edit(&text))?;
        let [page, statistics] =
            [free_port()?, free_port()?].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let mut command = Command::new("haproxy");
        // In the foreground, as in a container.
        command.arg("-db").arg("-f").arg(&file);
        command.env("PAGE_ADDR", page.to_string());
        command.env("STATS_ADDR", statistics.to_string());
        for (name, web) in ["WEB_1", "WEB_2", "WEB_3"].iter().zip(webs) {
            command.env(name, web.to_string());
        }
        let mut process = Process::spawn("haproxy", command, Output::Capture)?;
        let listens = poll(TIMEOUT, POLL_INTERVAL, || {
            let has_ended = !matches!(process.try_wait(), Ok(None));
            (has_ended || Connection::open(page).is_ok()).then_some(!has_ended)
        });
        ensure!(
            listens == Some(true),
            "haproxy does not listen at {page}: {}",
            process.output_tail(10)
        );
        Ok(Self {
            page,
            statistics,
            _process: process,
            _folder: folder,
        })
    }

    /// Where visitors go.
    pub fn page(&self) -> SocketAddr {
        self.page
    }

    /// Where its statistics are.
    pub fn statistics(&self) -> SocketAddr {
        self.statistics
    }
}

/// The other setting in the place of ours: one comment away.
///
/// # Panics
///
/// When the file has neither.
pub fn retry_unanswered(configuration: &str) -> String {
    let edited = configuration.replace(RETRIES_UNSENT, "").replace(
        RETRIES_UNANSWERED,
        &RETRIES_UNANSWERED.replacen("# ", "", 1),
    );
    assert!(
        edited.contains("\n    retry-on conn-failure empty"),
        "{CONFIGURATION} has changed"
    );
    edited
}

/// Waits until the proxy with these statistics sends visits to a copy of the service.
///
/// # Errors
///
/// When it does not within some seconds.
pub fn wait_until_up(statistics: SocketAddr, web: usize) -> Result<()> {
    let row = format!("web,web-{},", web + 1);
    let up = poll(TIMEOUT, POLL_INTERVAL, || {
        let mut connection = Connection::open(statistics).ok()?;
        let table = connection.ask("GET", "/;csv").ok()?.text();
        let row = table.lines().find(|line| line.starts_with(&row))?;
        row.contains(",UP,").then_some(())
    });
    up.with_context(|| {
        format!(
            "the proxy sends no visits to web-{} after {TIMEOUT:?}",
            web + 1
        )
    })
}
