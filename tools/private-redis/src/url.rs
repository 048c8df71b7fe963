//! Reads `redis://[user:password@]host[:port][/database]`, and shows it without its secrets.

/// Where a Redis is, and what it must be told first.
pub(super) struct RedisUrl {
    /// `host:port`.
    pub(super) address: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
}

const DEFAULT_PORT: u16 = 6379;

impl RedisUrl {
    /// Reads a URL. The error says in a few words what is wrong with it; it never quotes the part
    /// that may hold a password.
    pub(super) fn parse(url: &str) -> Result<RedisUrl, String> {
        let rest = match url.split_once("://") {
            Some(("redis", rest)) => rest,
            Some(("rediss", _)) => return Err("TLS (rediss://) is not supported".to_owned()),
            _ => return Err("it does not begin with redis://".to_owned()),
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest.contains('@') {
            // Else a piece of a password would be taken for a port or a database, and quoted.
            return Err(
                "a /, ? or # in the user or password must be written as %2F, %3F or %23".into(),
            );
        }
        let (credentials, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        // What follows a question mark are options of client libraries.
        let database = rest.trim_start_matches('/').split('?').next();
        let database = match database.unwrap_or_default() {
            "" => 0,
            number => number
                .parse()
                .map_err(|_| format!("the database {number:?} is not a number"))?,
        };
        Ok(RedisUrl {
            address: with_port(address)?,
            user: decode(user)?,
            password: decode(password)?,
            database,
        })
    }
}

/// `host:port` of an address whose port may be missing.
fn with_port(address: &str) -> Result<String, String> {
    // An IPv6 address has colons of its own, and so stands in brackets.
    let end = match address.starts_with('[') {
        true => {
            1 + address
                .find(']')
                .ok_or("the bracket around the host does not close")?
        }
        false => address.find(':').unwrap_or(address.len()),
    };
    let (host, port) = address.split_at(end);
    if matches!(host, "" | "[]") {
        return Err("it names no host".to_owned());
    }
    match port.strip_prefix(':').map(str::parse::<u16>) {
        None if port.is_empty() => Ok(format!("{host}:{DEFAULT_PORT}")),
        Some(Ok(1..)) => Ok(address.to_owned()),
        _ => {
            let port = port.trim_start_matches(':');
            Err(format!("the port {port:?} is not a number from 1 to 65535"))
        }
    }
}

/// Undoes percent encoding. An empty text is none.
fn decode(text: &str) -> Result<Option<String>, String> {
    const BAD: &str =
        "a percent sign in the user or password is not followed by two hexadecimal digits";
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| !digits.starts_with('+'));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or(BAD)?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    let text =
        String::from_utf8(bytes).map_err(|_| "the user or password is not UTF-8".to_owned())?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A URL, or what was meant to be one, that can be shown: `redis://***@host`. All before the last `@`
/// may be secret: people forget colons, and to encode what a password is made of.
pub fn without_password(url: &str) -> String {
    let Some((credentials, address)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    let mut schemes = ["redis://", "rediss://"].into_iter();
    let scheme = schemes.find(|scheme| credentials.starts_with(scheme));
    format!("{}***@{address}", scheme.unwrap_or_default())
}
