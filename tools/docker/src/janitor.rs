//! A helper process that takes a project down when we are gone, whether we could ask for it or not.

use std::process::{Child, Command, Stdio};

use crate::Error;

/// Waits at a pipe that we hold and runs a command when it is closed. The operating system closes
/// it for us, even if we are killed.
///
/// A line through the pipe means that we end in good order. Without it a command that we have
/// started may still be at work, and may start something just after the first sweep: sweep again.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
if read -r line; then
    exec "$@"
fi
"$@"
sleep 5
exec "$@"
"#;

/// A clean-up that waits for us to end.
#[derive(Debug)]
pub(crate) struct Janitor(Child);

impl Janitor {
    /// Prepares to run `command` when the janitor is dropped, or we are gone.
    pub(crate) fn start(command: &Command) -> Result<Self, Error> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "docker-janitor"]);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        // Away from all that we share with our own parent: the terminal's signals, its output.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = shell
            .spawn()
            .map_err(|error| Error::cannot_start(&shell, &error))?;
        Ok(Self(child))
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // If it is gone, there is nobody to tell.
            let _ = std::io::Write::write_all(&mut pipe, b"done\n");
        }
        let _ = self.0.wait();
    }
}
