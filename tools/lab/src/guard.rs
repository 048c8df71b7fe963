//! Who may ask.
//!
//! The page starts and kills processes, and every page of every site that somebody has open may send
//! requests to this machine. So a request is answered only if all of this holds: its path begins with a
//! token that only the terminal shows; it names this server as its `Host`, so that no name of somebody
//! else's leads here; and its `Origin`, if it has one, is this page. What changes something must have one.

use std::{fs::File, io::Read};

use anyhow::{Context, Result};
use axum::http::{HeaderMap, Method, Uri, header};

/// How long the token is, in bytes.
const TOKEN_BYTES: usize = 16;

/// Lets nobody in who may not ask.
#[derive(Debug)]
pub struct Guard {
    token: String,
    /// The names of this server.
    hosts: [String; 2],
}

impl Guard {
    /// A guard of a server on this port of this machine, with a token that nobody can guess.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new(port: u16) -> Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        let random = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
        random.context("cannot read random numbers from /dev/urandom")?;
        Ok(Self {
            token: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            hosts: [format!("localhost:{port}"), format!("127.0.0.1:{port}")],
        })
    }

    /// The path below which everything is, such as `/3f…/`.
    pub fn path(&self) -> String {
        format!("/{}/", self.token)
    }

    /// Why a request is refused, if it is.
    pub fn refuses(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        // In front of the path there can be another host than in the header.
        if uri.authority().is_some() || !self.is_own(headers, header::HOST, "") {
            return Some("this server goes by another name: open the address in the terminal");
        }
        let is_from_here = match headers.contains_key(header::ORIGIN) {
            true => self.is_own(headers, header::ORIGIN, "http://"),
            false => method.is_safe(),
        };
        if !is_from_here {
            return Some("this is for the page of this server, and for no other");
        }
        if !uri.path().starts_with(&self.path()) {
            return Some("this is for whoever started it: open the address in the terminal");
        }
        None
    }

    /// Whether that header is there once, and names this server.
    fn is_own(&self, headers: &HeaderMap, name: header::HeaderName, scheme: &str) -> bool {
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return false;
        };
        let name = value.to_str().ok();
        let name = name.and_then(|value| value.strip_prefix(scheme));
        name.is_some_and(|name| self.hosts.iter().any(|host| host == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &Method, uri: &str, headers: &[(&'static str, &str)]) -> bool {
        let guard = Guard {
            token: "3f".into(),
            hosts: ["localhost:9000".into(), "127.0.0.1:9000".into()],
        };
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(*name, value.parse().unwrap());
        }
        guard.refuses(method, &uri.parse().unwrap(), &all).is_some()
    }

    #[test]
    fn only_the_own_page_gets_in() {
        let (get, post) = (&Method::GET, &Method::POST);
        let host = ("host", "localhost:9000");
        let origin = ("origin", "http://127.0.0.1:9000");
        assert!(!refused(get, "/3f/", &[host]));
        assert!(!refused(get, "/3f/events", &[host, origin]));
        assert!(!refused(post, "/3f/do", &[host, origin]));

        let address = "http://localhost:9000/3f/";
        for uri in ["/", "/3f", "/3e/", "/3f3f/", "//3f/", address] {
            assert!(refused(get, uri, &[host]), "{uri}");
        }
        let rebound = ["evil.example:9000", "localhost:9000.evil"];
        for wrong in ["localhost", "localhost:9001", ""]
            .into_iter()
            .chain(rebound)
        {
            assert!(refused(get, "/3f/", &[("host", wrong)]), "{wrong}");
        }
        assert!(refused(get, "/3f/", &[]), "no host");
        assert!(refused(get, "/3f/", &[host, host]), "two");
        let others = ["http://evil.example", "http://localhost:9001"];
        for wrong in ["null", "https://localhost:9000"].into_iter().chain(others) {
            for method in [get, post] {
                let headers = [host, ("origin", wrong)];
                assert!(refused(method, "/3f/do", &headers), "{wrong}");
            }
        }
        assert!(refused(post, "/3f/do", &[host]), "no origin");
    }

    #[test]
    fn a_token_is_long_and_its_own() {
        let [one, other] = [(); 2].map(|()| Guard::new(9000).unwrap().path());
        assert!(one.len() == 2 * TOKEN_BYTES + 2 && one != other);
    }
}
