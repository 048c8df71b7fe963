//! Programs that are not ours: whether they are here, and which command installs them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A kind of machine, by how it installs things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Debian, Ubuntu and what is made from them.
    Debian,
    /// Fedora and what is made like it.
    Fedora,
    /// Arch Linux and what is made from it.
    Arch,
    /// macOS with Homebrew.
    MacOs,
}

impl Platform {
    /// The machine we run on. An unknown Linux is taken for Debian: the packages have the same names
    /// nearly everywhere.
    pub fn here() -> Self {
        match env::consts::OS {
            "macos" => Self::MacOs,
            _ => Self::from_os_release(&fs::read_to_string("/etc/os-release").unwrap_or_default()),
        }
    }

    /// Reads what a Linux says of itself.
    fn from_os_release(text: &str) -> Self {
        let value = |line: &str| {
            let value = line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE="))?;
            Some(format!(" {} ", value.trim_matches('"')))
        };
        let names: String = text.lines().filter_map(value).collect();
        match () {
            () if names.contains(" fedora ") || names.contains(" rhel ") => Self::Fedora,
            () if names.contains(" arch ") => Self::Arch,
            () => Self::Debian,
        }
    }
}

/// A program that some command needs.
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Where it comes from.
    from: From,
    /// The commands that print its version in their first line: the first that is there counts. A program
    /// without arguments prints none.
    version: &'static [&'static str],
}

/// Where a program comes from.
enum From {
    /// The package that has it, for each [`Platform`] in turn. Where that is empty, there is none.
    Packages([&'static str; 4]),
    /// This command installs it everywhere.
    Command(&'static str),
}

impl Tool {
    /// The compiler and cargo.
    pub const RUST: Tool = Tool {
        name: "Rust",
        purpose: "everything",
        from: From::Command("curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"),
        version: &["rustc --version"],
    };

    /// The server that keeps the count.
    pub const REDIS: Tool = Tool {
        name: "Redis",
        purpose: "a count that lasts; without it, an embedded stand-in",
        from: From::Packages(["redis-server", "valkey", "valkey", "redis"]),
        version: &["redis-server --version", "valkey-server --version"],
    };

    /// The load generator.
    pub const WRK: Tool = Tool {
        name: "wrk",
        purpose: "cargo xtask bench",
        from: From::Packages(["wrk", "wrk", "wrk", "wrk"]),
        // It has no flag that only prints the version: this also prints the usage, and fails.
        version: &["wrk -v"],
    };

    /// Another load generator, to compare with.
    pub const APACHE_BENCH: Tool = Tool {
        name: "ab",
        purpose: "the book, where it compares them with wrk",
        from: From::Packages(["apache2-utils", "httpd-tools", "apache", "httpd"]),
        version: &["ab -V"],
    };

    /// A third one.
    pub const SIEGE: Tool = Tool {
        name: "siege",
        purpose: "the book, where it compares them with wrk",
        from: From::Packages(["siege", "siege", "siege", "siege"]),
        // It prints its version on standard error, so say only that it is there.
        version: &["siege"],
    };

    /// Runs containers.
    pub const DOCKER: Tool = Tool {
        name: "Docker Engine",
        purpose: "docker-compose up",
        from: From::Packages(["docker.io", "moby-engine", "docker", "--cask docker"]),
        // A client alone starts nothing, so ask the engine.
        version: &["docker version --format {{.Server.Version}}"],
    };

    /// Starts several containers from one file.
    pub const COMPOSE: Tool = Tool {
        name: "Docker Compose",
        purpose: "docker-compose up",
        from: From::Packages([
            "docker-compose",
            "docker-compose",
            "docker-compose",
            "--cask docker",
        ]),
        version: &[
            "docker-compose version --short",
            "docker compose version --short",
        ],
    };

    /// The proxy.
    pub const HAPROXY: Tool = Tool {
        name: "HAProxy",
        purpose: "cargo xtask drill, where it runs without Docker",
        from: From::Packages(["haproxy", "haproxy", "haproxy", "haproxy"]),
        version: &["haproxy -v"],
    };

    /// The browser. What has no window does with half of the processors' time, where somebody packs it.
    pub const CHROMIUM: Tool = Tool {
        name: "Chromium",
        purpose: "the browser tests",
        from: From::Packages(["chromium", "chromium", "chromium", "--cask chromium"]),
        version: &[
            "chromium-headless-shell --version",
            "chromium --version",
            "chromium-browser --version",
            "google-chrome --version",
            "google-chrome-stable --version",
        ],
    };

    /// Asks a Redis something.
    pub const REDIS_CLI: Tool = Tool {
        name: "redis-cli",
        purpose: "the book, where it looks into Redis",
        from: From::Packages(["redis-tools", "valkey", "valkey", "redis"]),
        version: &["redis-cli --version", "valkey-cli --version"],
    };

    /// Runs the original.
    pub const PYTHON: Tool = Tool {
        name: "Python",
        purpose: "step 0",
        from: From::Packages(["python3", "python3", "python", "python"]),
        version: &["python3 --version"],
    };

    /// Makes a place for Python's packages. Debian packs it apart from Python.
    pub const VENV: Tool = Tool {
        name: "Python's venv",
        purpose: "step 0",
        from: From::Packages(["python3-venv", "python3", "python", "python"]),
        version: &["python3 -m ensurepip --version"],
    };

    /// Checks licences.
    pub const CARGO_DENY: Tool = Tool {
        name: "cargo-deny",
        purpose: "cargo xtask test, which checks the licences with it",
        from: From::Command("cargo install cargo-deny --locked"),
        version: &["cargo-deny --version"],
    };

    /// Compiles for browsers.
    pub const WEB_ASSEMBLY: Tool = Tool {
        name: "WebAssembly",
        purpose: "the book's figures to play with",
        from: From::Command("rustup target add wasm32-unknown-unknown"),
        version: &["rustc --print target-libdir --target wasm32-unknown-unknown"],
    };

    /// Slows a disk.
    pub const STRACE: Tool = Tool {
        name: "strace",
        purpose: "cargo xtask test, which slows a disk with it",
        from: From::Packages(["strace", "strace", "strace", ""]),
        version: &["strace --version"],
    };

    /// Makes a small Debian.
    pub const DEBOOTSTRAP: Tool = Tool {
        name: "debootstrap",
        purpose: "cargo xtask test, where no registry of images can be reached",
        from: From::Packages(["debootstrap", "debootstrap", "debootstrap", ""]),
        version: &["debootstrap --version"],
    };

    /// All of them, in the order in which a newcomer needs them.
    pub const ALL: [Tool; 16] = [
        Tool::RUST,
        Tool::REDIS,
        Tool::REDIS_CLI,
        Tool::WRK,
        Tool::APACHE_BENCH,
        Tool::SIEGE,
        Tool::DOCKER,
        Tool::COMPOSE,
        Tool::HAPROXY,
        Tool::PYTHON,
        Tool::VENV,
        Tool::CHROMIUM,
        Tool::WEB_ASSEMBLY,
        Tool::CARGO_DENY,
        Tool::STRACE,
        Tool::DEBOOTSTRAP,
    ];

    /// The command that installs it.
    pub fn install(&self, platform: Platform) -> String {
        let packages = match self.from {
            From::Command(command) => return command.to_owned(),
            From::Packages(packages) => packages,
        };
        let package = packages[platform as usize];
        if package.is_empty() {
            return "not for this system".to_owned();
        }
        let installer = match platform {
            Platform::Debian => "sudo apt install",
            Platform::Fedora => "sudo dnf install",
            Platform::Arch => "sudo pacman -S",
            Platform::MacOs => "brew install",
        };
        format!("{installer} {package}")
    }

    /// Where it lies, or `None` where it is missing.
    pub fn path(&self) -> Option<PathBuf> {
        let commands = self.version.iter();
        let names = commands.filter_map(|command| command.split(' ').next());
        names.filter_map(on_path).next()
    }

    /// The version that is here, in the tool's own words, or `None` where it is missing.
    pub fn version(&self) -> Option<String> {
        self.version.iter().find_map(|command| {
            let words: Vec<&str> = command.split(' ').collect();
            match words[..] {
                [name] => on_path(name).map(|path| path.display().to_string()),
                [name, ref arguments @ ..] => first_line(name, arguments),
                [] => None,
            }
        })
    }
}

/// Where a program lies, if it is on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    which::which(name).ok()
}

/// The first line that a program prints, if it is on `PATH` and prints one. A line that is a path counts only
/// if something is there: rustc says of each target where it would be.
pub fn first_line(name: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(on_path(name)?)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim();
    let is_nowhere = line.starts_with('/') && !Path::new(line).exists();
    (!line.is_empty() && !is_nowhere).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linux_is_known_by_its_name_or_by_what_it_is_like() {
        for (text, platform) in [
            ("ID=debian\n", Platform::Debian),
            (
                "NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n",
                Platform::Debian,
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                Platform::Fedora,
            ),
            ("ID=fedora\n", Platform::Fedora),
            ("ID=manjaro\nID_LIKE=arch\n", Platform::Arch),
            ("", Platform::Debian),
        ] {
            assert_eq!(Platform::from_os_release(text), platform, "{text}");
        }
    }

    #[test]
    fn every_tool_has_one_command_on_every_platform() {
        for tool in Tool::ALL {
            for (platform, installer) in [
                (Platform::Debian, "sudo apt install "),
                (Platform::Fedora, "sudo dnf install "),
                (Platform::Arch, "sudo pacman -S "),
                (Platform::MacOs, "brew install "),
            ] {
                let command = tool.install(platform);
                let expected = match (tool.name, platform) {
                    ("Rust", _) => "curl ",
                    ("cargo-deny", _) => "cargo install ",
                    ("WebAssembly", _) => "rustup target add ",
                    ("strace" | "debootstrap", Platform::MacOs) => "not for this system",
                    _ => installer,
                };
                assert!(command.starts_with(expected), "{command}");
            }
        }
    }

    #[test]
    fn a_tool_lies_where_the_first_of_its_programs_does() {
        let tool = Tool {
            version: &[
                "seen-no-such-program --version",
                "sh -c true",
                "cat --version",
            ],
            ..Tool::CHROMIUM
        };
        assert_eq!(tool.path(), on_path("sh"));
        assert_eq!(
            Tool {
                version: &[],
                ..tool
            }
            .path(),
            None
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        assert_eq!(on_path("no-such-program-anywhere"), None);
        assert_eq!(first_line("no-such-program-anywhere", &[]), None);
        assert_eq!(first_line("echo", &["/no/such/place"]), None);
        assert_eq!(first_line("echo", &["/"]), Some("/".into()));
        assert!(on_path("cargo").is_some());
    }
}
