//! Programs that are not ours: whether they are here, and which command installs them.

use std::{
    env, fs,
    path::PathBuf,
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
    /// Windows.
    Windows,
}

impl Platform {
    /// The machine we run on. An unknown Linux is taken for Debian: the packages have the same names
    /// nearly everywhere.
    pub fn here() -> Self {
        match env::consts::OS {
            "macos" => Self::MacOs,
            "windows" => Self::Windows,
            _ => Self::from_os_release(&fs::read_to_string("/etc/os-release").unwrap_or_default()),
        }
    }

    /// Reads what a Linux says of itself.
    fn from_os_release(text: &str) -> Self {
        let value = |key| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        };
        let names = format!(
            "{} {}",
            value("ID").unwrap_or(""),
            value("ID_LIKE").unwrap_or("")
        );
        let like = |name| {
            names
                .replace('"', "")
                .split_whitespace()
                .any(|word| word == name)
        };
        match () {
            () if like("fedora") || like("rhel") => Self::Fedora,
            () if like("arch") => Self::Arch,
            () => Self::Debian,
        }
    }
}

/// A program that some command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The compiler and cargo.
    Rust,
    /// The server that keeps the count.
    Redis,
    /// The load generator.
    Wrk,
    /// Another load generator, to compare with.
    ApacheBench,
    /// A third one.
    Siege,
    /// Runs containers.
    Docker,
    /// Starts several containers from one file.
    Compose,
    /// The browser.
    Chromium,
}

impl Tool {
    /// All of them, in the order in which a newcomer needs them.
    pub const ALL: [Self; 8] = [
        Self::Rust,
        Self::Redis,
        Self::Wrk,
        Self::ApacheBench,
        Self::Siege,
        Self::Docker,
        Self::Compose,
        Self::Chromium,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Redis => "Redis",
            Self::Wrk => "wrk",
            Self::ApacheBench => "ab",
            Self::Siege => "siege",
            Self::Docker => "Docker Engine",
            Self::Compose => "Docker Compose",
            Self::Chromium => "Chromium",
        }
    }

    /// What it is for.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Rust => "everything",
            Self::Redis => "a count that lasts; without it, an embedded stand-in",
            Self::Wrk => "cargo xtask bench",
            Self::ApacheBench | Self::Siege => "the book, where it compares them with wrk",
            Self::Docker | Self::Compose => "docker-compose up",
            Self::Chromium => "the browser tests",
        }
    }

    /// The command that installs it.
    pub fn install(self, platform: Platform) -> &'static str {
        use Platform::{Arch, Debian, Fedora, MacOs, Windows};
        match (self, platform) {
            (Self::Rust, Windows) => "winget install Rustlang.Rustup",
            (Self::Rust, _) => "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
            (Self::Redis, Debian) => "sudo apt install redis-server",
            (Self::Redis, Fedora) => "sudo dnf install valkey",
            (Self::Redis, Arch) => "sudo pacman -S valkey",
            (Self::Redis, MacOs) => "brew install redis",
            (Self::Wrk, Debian) => "sudo apt install wrk",
            (Self::Wrk, Fedora) => "sudo dnf install wrk",
            (Self::Wrk, Arch) => "sudo pacman -S wrk",
            (Self::Wrk, MacOs) => "brew install wrk",
            (Self::ApacheBench, Debian) => "sudo apt install apache2-utils",
            (Self::ApacheBench, Fedora) => "sudo dnf install httpd-tools",
            (Self::ApacheBench, Arch) => "sudo pacman -S apache",
            (Self::ApacheBench, MacOs) => "brew install httpd",
            (Self::Siege, Debian) => "sudo apt install siege",
            (Self::Siege, Fedora) => "sudo dnf install siege",
            (Self::Siege, Arch) => "sudo pacman -S siege",
            (Self::Siege, MacOs) => "brew install siege",
            // None of these is made for Windows. All run in its Linux.
            (Self::Redis | Self::Wrk | Self::ApacheBench | Self::Siege, Windows) => "wsl --install",
            (Self::Docker, Debian) => "sudo apt install docker.io",
            (Self::Docker, Fedora) => "sudo dnf install moby-engine",
            (Self::Docker, Arch) => "sudo pacman -S docker",
            (Self::Compose, Debian) => "sudo apt install docker-compose",
            (Self::Compose, Fedora) => "sudo dnf install docker-compose",
            (Self::Compose, Arch) => "sudo pacman -S docker-compose",
            (Self::Docker | Self::Compose, MacOs) => "brew install --cask docker",
            (Self::Docker | Self::Compose, Windows) => "winget install Docker.DockerDesktop",
            (Self::Chromium, Debian) => "sudo apt install chromium",
            (Self::Chromium, Fedora) => "sudo dnf install chromium",
            (Self::Chromium, Arch) => "sudo pacman -S chromium",
            (Self::Chromium, MacOs) => "brew install --cask chromium",
            (Self::Chromium, Windows) => "winget install Hibbiki.Chromium",
        }
    }

    /// The version that is here, in the tool's own words, or `None` where it is missing.
    pub fn version(self) -> Option<String> {
        match self {
            Self::Rust => first_line("rustc", &["--version"]),
            Self::Redis => first_line("redis-server", &["--version"])
                .or_else(|| first_line("valkey-server", &["--version"])),
            // wrk has no flag that only prints the version: `-v` also prints the usage, and fails.
            Self::Wrk => first_line("wrk", &["-v"]),
            Self::ApacheBench => first_line("ab", &["-V"]),
            // siege takes standard error for its version, so say only that it is there.
            Self::Siege => on_path("siege").map(|path| path.display().to_string()),
            // A client alone starts nothing, so ask the engine.
            Self::Docker => first_line("docker", &["version", "--format", "{{.Server.Version}}"]),
            Self::Compose => first_line("docker-compose", &["version", "--short"])
                .or_else(|| first_line("docker", &["compose", "version", "--short"])),
            Self::Chromium => ["chromium", "chromium-browser", "google-chrome"]
                .iter()
                .find_map(|name| first_line(name, &["--version"])),
        }
    }
}

/// Where a program lies, if it is on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    which::which(name).ok()
}

/// The first line that a program prints, if it is on `PATH` and prints one.
pub fn first_line(name: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(on_path(name)?)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .next()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linux_is_known_by_its_name_or_by_what_it_is_like() {
        let platform = Platform::from_os_release;
        assert_eq!(platform("ID=debian\n"), Platform::Debian);
        assert_eq!(
            platform("NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n"),
            Platform::Debian
        );
        assert_eq!(
            platform("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
            Platform::Fedora
        );
        assert_eq!(platform("ID=fedora\n"), Platform::Fedora);
        assert_eq!(platform("ID=manjaro\nID_LIKE=arch\n"), Platform::Arch);
        assert_eq!(platform(""), Platform::Debian);
    }

    #[test]
    fn every_tool_has_one_command_on_every_platform() {
        for tool in Tool::ALL {
            for platform in [
                Platform::Debian,
                Platform::Fedora,
                Platform::Arch,
                Platform::MacOs,
                Platform::Windows,
            ] {
                let command = tool.install(platform);
                assert!(
                    !command.contains('\n') && command.len() > 10,
                    "{tool:?} {platform:?}: {command}"
                );
            }
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        assert_eq!(on_path("no-such-program-anywhere"), None);
        assert_eq!(first_line("no-such-program-anywhere", &[]), None);
        assert!(on_path("cargo").is_some());
    }
}
