//! What perf of Linux sees of a process: from time to time, the chain of calls that it is in.
//!
//! Many virtual machines count no cycles. The clock of the system is always there.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use processes::{Folder, Output, Process, Signal, programs};

/// How often a second a processor is looked at. No multiple of what else happens at regular times.
const FREQUENCY: u32 = 1999;

/// How long perf may take to write down the rest.
const GRACE: Duration = Duration::from_secs(20);

/// A call, as perf sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Of a function of the kernel.
    Kernel(String),
    /// In a program or a library: the place in its file, and the name if perf knows one.
    User {
        /// Where in the file.
        address: u64,
        /// The function, for what no debug information is there.
        function: String,
        /// The file of the program or the library.
        file: String,
    },
}

/// A chain of calls; the innermost comes first.
pub type Sample = Vec<Call>;

/// perf, while it looks.
pub struct Recorder {
    perf: Process,
    folder: Folder,
}

/// What perf has seen.
pub struct Recording {
    folder: Folder,
}

/// Whether perf is there and may look at processes.
///
/// # Errors
///
/// When not, with what to do.
pub fn check() -> Result<()> {
    ensure!(
        programs::on_path("perf").is_some(),
        "profile needs perf, which only Linux has; install it with: apt install linux-perf (Debian), perf (Fedora, Arch)"
    );
    let probe = Command::new("perf")
        .args([
            "record",
            "--quiet",
            "-e",
            "cpu-clock",
            "-o",
            "/dev/null",
            "true",
        ])
        .output()
        .context("cannot start perf")?;
    let said = String::from_utf8_lossy(&probe.stderr);
    ensure!(
        probe.status.success(),
        "perf may not look at processes here: {}; run as root, or: sysctl kernel.perf_event_paranoid=1",
        said.lines().next().unwrap_or("it does not say why")
    );
    Ok(())
}

impl Recorder {
    /// Begins to look at a process.
    ///
    /// # Errors
    ///
    /// When perf cannot be started, or the process has ended.
    pub fn start(process: u32) -> Result<Self> {
        let folder = Folder::new("seen-perf-")?;
        let mut command = Command::new("perf");
        command.args(["record", "--quiet", "-e", "cpu-clock", "--call-graph", "fp"]);
        command.arg(format!("--freq={FREQUENCY}"));
        command.arg(format!("--pid={process}"));
        command.arg("--output").arg(folder.path().join("data"));
        let perf = Process::spawn("perf", command, Output::Capture)?;
        Ok(Self { perf, folder })
    }

    /// Ends to look.
    ///
    /// # Errors
    ///
    /// When perf does not end.
    pub fn stop(mut self) -> Result<Recording> {
        self.perf.signal(Signal::Interrupt)?;
        if self.perf.wait_timeout(GRACE)?.is_none() {
            bail!(
                "perf does not end; it printed:\n{}",
                self.perf.output_tail(20)
            );
        }
        Ok(Recording {
            folder: self.folder,
        })
    }
}

impl Recording {
    /// The chains of calls.
    ///
    /// # Errors
    ///
    /// When perf cannot read what it has written.
    pub fn samples(&self) -> Result<Vec<Sample>> {
        let output = Command::new("perf")
            .args(["script", "--no-inline", "-F", "ip,sym,dso", "--input"])
            .arg(self.folder.path().join("data"))
            .output()
            .context("cannot start perf")?;
        ensure!(
            output.status.success(),
            "perf script failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(parse(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// Reads what `perf script` prints: a call a line, and an empty line behind each chain.
fn parse(text: &str) -> Vec<Sample> {
    let chains = text.split("\n\n");
    let chains = chains.map(|chain| chain.lines().filter_map(call).collect());
    chains.filter(|chain: &Sample| !chain.is_empty()).collect()
}

/// `ffffffff8a0 tcp_sendmsg ([kernel.kallsyms])`, `55d0c1 main (/path/of/a/program)`
fn call(line: &str) -> Option<Call> {
    let (address, rest) = line.trim().split_once(' ')?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let (function, file) = rest.rsplit_once(" (")?;
    let function = function.to_owned();
    // The kernel has the upper half of all addresses.
    Some(match address >> 63 {
        1 => Call::Kernel(function),
        _ => Call::User {
            address,
            function,
            file: file.trim_end_matches(')').to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_of_the_kernel_and_of_files() {
        let text = "
\tffffffff81a9c0de tcp_sendmsg+0x2c ([kernel.kallsyms])
\t    7f5b2a0f1234 __libc_send (/usr/lib/libc.so.6)
\t    55d0c2a0b0c0 <hyper::Conn as Future>::poll (/target/step)

\t    55d0c2a0b0c1 [unknown] (/target/step)

";
        let user = |address, function: &str, file: &str| Call::User {
            address,
            function: function.to_owned(),
            file: file.to_owned(),
        };
        let expected = [
            vec![
                Call::Kernel("tcp_sendmsg+0x2c".to_owned()),
                user(0x7f5b_2a0f_1234, "__libc_send", "/usr/lib/libc.so.6"),
                user(
                    0x55d0_c2a0_b0c0,
                    "<hyper::Conn as Future>::poll",
                    "/target/step",
                ),
            ],
            vec![user(0x55d0_c2a0_b0c1, "[unknown]", "/target/step")],
        ];
        assert_eq!(parse(text), expected);
        assert_eq!(parse("\n\n"), Vec::<Sample>::new());
    }
}
