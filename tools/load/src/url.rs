//! Where a server is.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
};

use url::Position;

const EXPECTED: &str = "expected a URL such as http://localhost:8000";

/// A URL of the form `http://host[:port][/path]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Host and port, such as `127.0.0.1:8000`.
    pub authority: String,
    /// The path, such as `/`.
    pub path: String,
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// When it has another form. A URL that may hold a password is not repeated in the error.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.contains('@') {
            return Err(format!(
                "a URL with a user or a password in it is not supported; {EXPECTED}"
            ));
        }
        if !url.starts_with("http://") {
            return Err(format!("{url:?} does not start with http://; {EXPECTED}"));
        }
        let wrong = |error| format!("{url:?} is no URL: {error}; {EXPECTED}");
        let parsed = url::Url::parse(url).map_err(wrong)?;
        let host = parsed.host_str().unwrap_or_default();
        Ok(Self {
            // The parser leaves the port out where it is the usual one.
            authority: format!("{host}:{}", parsed.port_or_known_default().unwrap_or(80)),
            path: parsed[Position::BeforePath..Position::AfterQuery].to_owned(),
        })
    }

    /// Where that leads.
    ///
    /// # Errors
    ///
    /// When the host has no address.
    pub fn addr(&self) -> io::Result<SocketAddr> {
        // `localhost` is often ::1 first, where most development servers do not listen.
        let addrs = self.authority.to_socket_addrs()?;
        addrs
            .min_by_key(SocketAddr::is_ipv6)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}
