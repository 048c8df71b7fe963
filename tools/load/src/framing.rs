//! Where the head and the body of an answer end.

use std::io;

/// The most header lines that an answer may have.
const HEADERS_MAX: usize = 64;

/// All of an answer but its body.
pub struct Head {
    pub status: u16,
    /// The header lines in their order.
    pub headers: Vec<(String, String)>,
    /// Whether the server means to answer more on this connection.
    pub keeps_open: bool,
}

/// What tells where a body ends.
#[derive(Clone, Copy)]
pub enum Framing {
    /// A chunk of length 0.
    Chunks,
    /// This many bytes.
    Length(usize),
    /// The end of the connection.
    UntilClosed,
}

impl Head {
    /// Reads a head, or as much of it as is there: `None` stands for a beginning that is in order.
    pub fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        let status = head.parse(bytes);
        if status
            .map_err(|error| malformed(&error.to_string()))?
            .is_partial()
        {
            return Ok(None);
        }
        let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
        let headers = head.headers.iter();
        let mut parsed = Self {
            status: head.code.unwrap_or_default(),
            headers: headers
                .map(|header| (header.name.to_owned(), text(header.value)))
                .collect(),
            keeps_open: head.version == Some(1),
        };
        let closes = |value: &&str| value.to_ascii_lowercase().contains("close");
        parsed.keeps_open &= !parsed.values("connection").iter().any(closes);
        Ok(Some(parsed))
    }

    /// Where the body ends of an answer to that method. Whatever can be read in two ways is an error
    /// (RFC 9112, sections 6.1 to 6.3).
    pub fn framing(&self, method: &str) -> io::Result<Framing> {
        if method == "HEAD" || matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Framing::Length(0));
        }
        let (codings, lengths) = (
            self.values("transfer-encoding"),
            self.values("content-length"),
        );
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match (codings.as_slice(), lengths.as_slice()) {
            ([], []) => Ok(Framing::UntilClosed),
            ([], [length]) => match length.parse() {
                Ok(number) if is_number(length) => Ok(Framing::Length(number)),
                _ => Err(malformed(&format!("content-length: {length}"))),
            },
            ([], _) => Err(malformed("content-length stands there more than once")),
            ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunks),
            (_, []) => Err(malformed(&format!(
                "transfer-encoding: {}",
                codings.join(", ")
            ))),
            (_, _) => Err(malformed("transfer-encoding and content-length together")),
        }
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter();
        let named = named.filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// The length of a chunk, from the line in front of it.
pub fn chunk_length(line: &[u8]) -> io::Result<usize> {
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((_, length))) => {
            usize::try_from(length).map_err(|_| malformed("a chunk that is too long"))
        }
        _ => Err(malformed("the size of a chunk")),
    }
}

/// The error for an answer that is not HTTP as it should be.
pub fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the answer is malformed: {what}"),
    )
}
