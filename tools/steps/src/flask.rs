//! Step 0, the Python original: its virtual environment, and the two ways to start it.
//!
//! The environment is made once, under `target/`, and again when `requirements.txt` or Python
//! change. A Flask process is then one like all others: it reads `ADDR` and `REDIS_URL`, and prints
//! a line with its `http://` address on standard output as soon as it listens.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use output::terminal::progress;
use processes::{
    Output, Process, last_lines,
    programs::{Platform, Tool},
};

/// How often a program that is waited for is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How many lines of a failed program's output an error message carries.
const ERROR_LINES: usize = 10;

/// Which server runs the Flask program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlaskServer {
    /// Flask's own server in debug mode: how the original was started.
    Debug,
    /// gunicorn with 2 workers of 8 threads each, as `gunicorn.conf.py` says: how Flask is meant to
    /// meet visitors.
    Gunicorn,
}

/// Step 0 and a Python that has what it needs.
#[derive(Clone, Debug)]
pub struct Flask {
    step: PathBuf,
    python: PathBuf,
    versions: String,
}

impl Flask {
    /// Makes the virtual environment of the step in the folder `step`, in `target/flask`, unless it
    /// is there and up to date. `cancelled` is asked a few times a second whether to give up.
    ///
    /// # Errors
    ///
    /// When Python is missing, or cannot make the environment, for example because the package index is
    /// out of reach.
    pub fn prepare(step: &Path, target: &Path, cancelled: impl Fn() -> bool) -> Result<Flask> {
        let requirements_file = step.join("requirements.txt");
        let requirements = fs::read_to_string(&requirements_file);
        let requirements =
            requirements.with_context(|| format!("cannot read {}", requirements_file.display()))?;
        let versions = format!("{}\n{requirements}", python_version()?);
        let home = target.join("flask");
        let environment = home.join("environment");
        let python = environment.join("bin/python");

        let cannot_write = || format!("cannot write to {}", home.display());
        fs::create_dir_all(&home).with_context(cannot_write)?;
        // Two of us must not make it at once. The lock ends with the file, however we end.
        let lock = File::create(home.join("lock")).with_context(cannot_write)?;
        lock.lock().with_context(cannot_write)?;
        let stamp = home.join("installed.txt");
        if !python.exists() || fs::read_to_string(&stamp).ok().as_ref() != Some(&versions) {
            // Until it is complete it must not look complete.
            let _ = fs::remove_file(&stamp);
            progress("making a Python environment in target/flask");
            let mut make = Command::new(PYTHON);
            make.args(["-m", "venv", "--clear"]).arg(&environment);
            run("make a virtual environment", make, &cancelled)?;
            progress("installing Flask, gunicorn and redis-py into it");
            let mut install = Command::new(&python);
            install.args(["-m", "pip", "install", "--quiet", "--requirement"]);
            install.arg(&requirements_file);
            run("install Flask, gunicorn and redis-py", install, &cancelled)?;
            fs::write(&stamp, &versions).with_context(cannot_write)?;
        }
        Ok(Flask {
            step: step.to_owned(),
            python,
            versions,
        })
    }

    /// The command that starts the step. Set `ADDR` and `REDIS_URL` in its environment.
    pub fn command(&self, server: FlaskServer) -> Command {
        let mut command = Command::new(&self.python);
        command.current_dir(&self.step);
        // Unbuffered, or its first line would wait for a screenful of others. And no bytecode: the
        // step's folder is for reading.
        command.args(["-u", "-B"]);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        match server {
            FlaskServer::Debug => command.arg("app.py"),
            FlaskServer::Gunicorn => command.args(["-m", "gunicorn", "app:app"]),
        };
        command
    }

    /// The versions of Python and of the packages, one a line.
    pub fn versions(&self) -> &str {
        &self.versions
    }
}

/// The name under which Python 3 is found on `PATH`.
const PYTHON: &str = "python3";

fn python_version() -> Result<String> {
    let output = Command::new(PYTHON).arg("--version").output();
    let output = output.map_err(|error| {
        let install = Tool::PYTHON.install(Platform::here());
        anyhow!(
            "step 0 needs Python 3, and {PYTHON} cannot be run: {error}; install it with: {install}"
        )
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program to its end.
fn run(what: &str, command: Command, cancelled: impl Fn() -> bool) -> Result<()> {
    let mut process = Process::spawn("Python", command, Output::Capture)?;
    loop {
        match process.wait_timeout(POLL_INTERVAL)? {
            Some(status) if status.success() => return Ok(()),
            Some(_) => {
                let lines = last_lines(&process.output_tail(ERROR_LINES));
                bail!("Python could not {what}{lines}");
            }
            // The process is killed when it is dropped.
            None if cancelled() => bail!("stopped before the Python environment was ready"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use processes::programs::on_path;

    #[test]
    fn a_failed_or_stopped_preparation_says_so_and_does_not_look_complete() {
        if on_path(PYTHON).is_none() {
            return eprintln!("skipped: {PYTHON} is not on PATH");
        }
        for (cancelled, expected) in [(false, "no-such-package"), (true, "stopped before")] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            fs::write(folder.join("requirements.txt"), "./no-such-package\n").unwrap();
            let error = Flask::prepare(folder, folder, || cancelled).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!folder.join("flask/installed.txt").exists());
        }
    }
}
