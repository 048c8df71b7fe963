//! Step 0, the Python original: its virtual environment, and the two ways to start it.
//!
//! The environment is made once, under `target/`, and again when `requirements.txt` or Python
//! change. A Flask process is then one like all others: it reads `ADDR` and `REDIS_URL`, and prints
//! a line with its `http://` address on standard output as soon as it listens.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fmt, io};

use processes::{Output, Process};

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

/// Why step 0 cannot be started on this machine.
#[derive(Debug)]
pub enum FlaskError {
    /// There is no Python.
    NoPython(io::Error),
    /// A program of Python's failed.
    Failed {
        /// What it was to do.
        what: &'static str,
        /// The last lines that it printed.
        output: String,
    },
    /// The caller said stop.
    Cancelled,
    /// A file or folder could not be read or written.
    File {
        /// Its path.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A program could not be started or controlled.
    Process(processes::Error),
}

impl Flask {
    /// Makes the virtual environment of the step in the folder `step`, in `target/flask`, unless it
    /// is there and up to date. `progress` is told what takes long, in one line each; `cancelled`
    /// is asked a few times a second whether to give up.
    ///
    /// # Errors
    ///
    /// [`FlaskError`]: Python is missing, or it cannot make the environment, for example because
    /// the package index is out of reach.
    pub fn prepare(
        step: &Path,
        target: &Path,
        mut progress: impl FnMut(&str),
        cancelled: impl Fn() -> bool,
    ) -> Result<Flask, FlaskError> {
        let requirements_file = step.join("requirements.txt");
        let requirements = at(&requirements_file, fs::read_to_string(&requirements_file))?;
        let versions = format!("{}\n{requirements}", python_version()?);
        let home = target.join("flask");
        let environment = home.join("environment");
        let python = environment.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        });

        at(&home, fs::create_dir_all(&home))?;
        // Two of us must not make it at once. The lock ends with the file, however we end.
        let lock_file = home.join("lock");
        let lock = at(&lock_file, File::create(&lock_file))?;
        at(&lock_file, lock.lock())?;
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
            at(&stamp, fs::write(&stamp, &versions))?;
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
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

fn python_version() -> Result<String, FlaskError> {
    let mut command = Command::new(PYTHON);
    let output = command
        .arg("--version")
        .output()
        .map_err(FlaskError::NoPython)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program to its end.
fn run(
    what: &'static str,
    command: Command,
    cancelled: impl Fn() -> bool,
) -> Result<(), FlaskError> {
    let mut process =
        Process::spawn(what, command, Output::Capture).map_err(FlaskError::Process)?;
    loop {
        let status = process.wait_timeout(POLL_INTERVAL);
        match status.map_err(FlaskError::Process)? {
            Some(status) if status.success() => return Ok(()),
            Some(_) => {
                let output = process.output_tail(ERROR_LINES);
                return Err(FlaskError::Failed { what, output });
            }
            // The process is killed when it is dropped.
            None if cancelled() => return Err(FlaskError::Cancelled),
            None => {}
        }
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, FlaskError> {
    result.map_err(|source| FlaskError::File {
        path: path.to_owned(),
        source,
    })
}

impl fmt::Display for FlaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlaskError::NoPython(source) => write!(
                f,
                "step 0 needs Python 3, and {PYTHON} cannot be run: {source}; install it, on Debian and Ubuntu with: sudo apt-get install python3 python3-venv"
            ),
            FlaskError::Failed { what, output } => {
                write!(f, "Python could not {what}; its last lines:")?;
                output
                    .lines()
                    .try_for_each(|line| write!(f, "\n  | {line}"))
            }
            FlaskError::Cancelled => f.write_str("stopped before the Python environment was ready"),
            FlaskError::File { path, source } => write!(f, "{}: {source}", path.display()),
            FlaskError::Process(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for FlaskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FlaskError::NoPython(source) | FlaskError::File { source, .. } => Some(source),
            FlaskError::Process(source) => Some(source),
            FlaskError::Failed { .. } | FlaskError::Cancelled => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prepares a step whose requirements cannot be met, in a folder of its own.
    fn prepare(cancelled: bool) -> (tempfile::TempDir, FlaskError) {
        let folder = tempfile::tempdir().unwrap();
        let requirements = folder.path().join("requirements.txt");
        fs::write(requirements, "./no-such-package\n").unwrap();
        let error = Flask::prepare(folder.path(), folder.path(), |_| {}, || cancelled);
        (folder, error.unwrap_err())
    }

    #[test]
    fn a_failed_or_stopped_preparation_says_so_and_does_not_look_complete() {
        for cancelled in [false, true] {
            let (folder, error) = prepare(cancelled);
            match error {
                FlaskError::NoPython(_) => return eprintln!("left out: {error}"),
                FlaskError::Cancelled if cancelled => {}
                FlaskError::Failed { ref output, .. } if !cancelled => {
                    assert!(output.contains("no-such-package"), "{error}");
                }
                _ => panic!("cancelled: {cancelled}: {error}"),
            }
            assert!(!folder.path().join("flask/installed.txt").exists());
        }
    }
}
