//! What a client asks for, taken apart by hand.

/// The head of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub kind: Kind,
    /// How many bytes it has.
    pub length: usize,
    /// Whether the connection ends after the answer.
    pub is_last: bool,
}

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// `GET /`: a visit.
    Page,
    /// `HEAD /`: a visit, too, and an answer without a body.
    HeadOfPage,
    /// Anything else, which is answered with this status.
    Refused(&'static str),
}

const UNKNOWN_PATH: Kind = Kind::Refused("404 Not Found\r\ncontent-length: 0");
const UNKNOWN_METHOD: Kind =
    Kind::Refused("405 Method Not Allowed\r\nallow: GET,HEAD\r\ncontent-length: 0");
const MALFORMED: Kind = Kind::Refused("400 Bad Request\r\ncontent-length: 0");

impl Request {
    /// Reads the head at the start of `input`. `None` when not all of it is there.
    pub fn parse(input: &[u8]) -> Option<Self> {
        let end = input.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        // What is not UTF-8 is no word that we know.
        let head = str::from_utf8(&input[..end]).unwrap_or_default();
        let mut lines = head.split("\r\n");
        let (mut kind, mut is_last) = first_line(lines.next().unwrap_or_default());
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if !is_name(name) || value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                // A proxy might read it in another way, and find another request behind it.
                (kind, is_last) = (MALFORMED, true);
                break;
            }
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            let closes = |option: &str| option.trim().eq_ignore_ascii_case("close");
            // Where a body may follow, the connection ends: nothing here looks for the end of a body.
            is_last |= (is("connection") && value.split(',').any(closes))
                || (is("content-length") && value.trim() != "0")
                || is("transfer-encoding");
        }
        Some(Self {
            kind,
            length: end + 4,
            is_last,
        })
    }
}

/// Whether this can be the name of a header: a token (RFC 9110, 5.6.2), so there is no space in it.
fn is_name(name: &str) -> bool {
    let is_mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_right = |byte: u8| byte.is_ascii_alphanumeric() || is_mark(byte);
    !name.is_empty() && name.bytes().all(is_right)
}

/// What the first line asks for, and whether it is the last that is asked.
fn first_line(line: &str) -> (Kind, bool) {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_last = match (version, words.next()) {
        (Some("HTTP/1.1"), None) => false,
        (Some("HTTP/1.0"), None) => true,
        _ => return (MALFORMED, true),
    };
    let path = target.and_then(|target| target.split('?').next());
    let kind = match (method, path) {
        (Some("GET"), Some("/")) => Kind::Page,
        (Some("HEAD"), Some("/")) => Kind::HeadOfPage,
        (_, Some("/")) => UNKNOWN_METHOD,
        _ => UNKNOWN_PATH,
    };
    (kind, is_last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> (Kind, bool) {
        let request = Request::parse(format!("{head}\r\n\r\nmore").as_bytes()).unwrap();
        assert_eq!(request.length, head.len() + 4, "{head}");
        (request.kind, request.is_last)
    }

    #[test]
    fn the_first_line_says_what_is_asked() {
        for (line, kind, is_last) in [
            ("GET / HTTP/1.1", Kind::Page, false),
            ("GET /?a=b HTTP/1.1", Kind::Page, false),
            ("GET / HTTP/1.0", Kind::Page, true),
            ("HEAD / HTTP/1.1", Kind::HeadOfPage, false),
            ("GET /favicon.ico HTTP/1.1", UNKNOWN_PATH, false),
            ("POST / HTTP/1.1", UNKNOWN_METHOD, false),
            ("", MALFORMED, true),
            ("GET /", MALFORMED, true),
            ("GET / HTTP/9", MALFORMED, true),
            ("GET / HTTP/1.1 x", MALFORMED, true),
            ("\u{0}", MALFORMED, true),
            ("fish and chips", MALFORMED, true),
        ] {
            assert_eq!(parse(line), (kind, is_last), "{line}");
        }
    }

    #[test]
    fn what_may_have_a_body_is_the_last_request() {
        let is_last = |header: &str| parse(&format!("POST / HTTP/1.1\r\nHost: x\r\n{header}")).1;
        assert!(is_last("Connection: close"));
        assert!(is_last("content-length: 5"));
        assert!(is_last("Transfer-Encoding: chunked"));
        assert!(!is_last("Content-Length: 0"));
        assert!(!is_last("connection: keep-alive"));
    }

    #[test]
    fn half_a_head_is_none() {
        let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(Request::parse(&head[..length]), None, "{length}");
        }
        assert!(Request::parse(head).is_some());
    }
}
