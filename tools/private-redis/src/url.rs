//! Reads `redis://[user:password@]host[:port][/database]`.

/// Where a Redis is, and what it must be told first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RedisUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
}

const DEFAULT_PORT: u16 = 6379;

impl RedisUrl {
    /// Reads a URL. The error says in a few words what is wrong with it; it never quotes the part
    /// that may hold a password.
    pub(super) fn parse(url: &str) -> Result<RedisUrl, String> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or("it does not begin with redis://")?;
        match scheme {
            "redis" => {}
            "rediss" => return Err("TLS (rediss://) is not supported".to_owned()),
            _ => return Err("it does not begin with redis://".to_owned()),
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if rest[authority.len()..].contains('@') {
            // Else a piece of a password would be taken for a port or a database, and quoted.
            return Err(
                "a /, ? or # in the user or password must be written as %2F, %3F or %23".into(),
            );
        }
        // What follows a question mark are options of client libraries.
        let rest = rest.split_once('?').map_or(rest, |(rest, _options)| rest);
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, authority),
        };
        let (user, password) =
            match credentials.map(|text| text.split_once(':').unwrap_or((text, ""))) {
                Some((user, password)) => (decode(user)?, decode(password)?),
                None => (None, None),
            };
        let (host, port) = parse_address(address)?;
        let database = match database {
            "" => 0,
            number => number
                .parse()
                .map_err(|_| format!("the database {number:?} is not a number"))?,
        };
        Ok(RedisUrl {
            host,
            port,
            user,
            password,
            database,
        })
    }
}

fn parse_address(address: &str) -> Result<(String, u16), String> {
    // An IPv6 address has colons of its own, and so stands in brackets.
    let (host, rest) = match address.strip_prefix('[') {
        Some(bracketed) => bracketed
            .split_once(']')
            .ok_or("the bracket around the host does not close")?,
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    let port = match rest {
        "" => DEFAULT_PORT,
        rest => match rest.strip_prefix(':').and_then(|port| port.parse().ok()) {
            Some(port @ 1..) => port,
            _ => {
                return Err(format!(
                    "the port {:?} is not a number from 1 to 65535",
                    rest.trim_start_matches(':')
                ));
            }
        },
    };
    Ok((host.to_owned(), port))
}

/// Undoes percent encoding. An empty text is none.
fn decode(text: &str) -> Result<Option<String>, String> {
    let bad = || {
        "a percent sign in the user or password is not followed by two hexadecimal digits"
            .to_owned()
    };
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        bytes.push(
            digits
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .ok_or_else(bad)?,
        );
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    let text =
        String::from_utf8(bytes).map_err(|_| "the user or password is not UTF-8".to_owned())?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(
        host: &str,
        port: u16,
        user: Option<&str>,
        password: Option<&str>,
        database: u32,
    ) -> RedisUrl {
        let owned = |text: &str| text.to_owned();
        RedisUrl {
            host: owned(host),
            port,
            user: user.map(owned),
            password: password.map(owned),
            database,
        }
    }

    #[test]
    fn every_part_but_the_host_may_be_left_out() {
        let plain = |host, port| Ok(url(host, port, None, None, 0));
        assert_eq!(
            RedisUrl::parse("redis://localhost"),
            plain("localhost", 6379)
        );
        assert_eq!(
            RedisUrl::parse("redis://127.0.0.1:7000/"),
            plain("127.0.0.1", 7000)
        );
        assert_eq!(RedisUrl::parse("redis://[::1]:7000"), plain("::1", 7000));
        assert_eq!(
            RedisUrl::parse("redis://h/3?protocol=resp3"),
            Ok(url("h", 6379, None, None, 3))
        );
        assert_eq!(
            RedisUrl::parse("redis://:p%40ss@h"),
            Ok(url("h", 6379, None, Some("p@ss"), 0))
        );
        assert_eq!(
            RedisUrl::parse("redis://me:a:b@h:1"),
            Ok(url("h", 1, Some("me"), Some("a:b"), 0))
        );
    }

    #[test]
    fn a_malformed_url_is_explained() {
        for (text, reason) in [
            ("", "does not begin with redis://"),
            ("localhost:6379", "does not begin with redis://"),
            ("http://localhost", "does not begin with redis://"),
            ("rediss://localhost", "TLS"),
            ("redis://", "names no host"),
            ("redis://:6379", "names no host"),
            ("redis://h:", "the port"),
            ("redis://h:0", "the port \"0\""),
            ("redis://h:65536", "the port \"65536\""),
            ("redis://h:port", "the port \"port\""),
            ("redis://[::1", "bracket"),
            ("redis://[::1]7", "the port"),
            ("redis://h/x", "the database \"x\""),
            ("redis://:%4@h", "percent sign"),
            ("redis://:%zz@h", "percent sign"),
            ("redis://:%€@h", "percent sign"),
        ] {
            let error = RedisUrl::parse(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_error_does_not_give_the_password_away() {
        let error = RedisUrl::parse("redis://me:secret@h:x").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
