//! Where the head and the body of an answer end.

use std::{fmt::Display, io};

use crate::http::Response;

/// The most header lines that an answer may have.
const HEADERS_MAX: usize = 64;

/// What tells where a body ends.
#[derive(Clone, Copy)]
pub enum Framing {
    /// A chunk of length 0.
    Chunks,
    /// This many bytes.
    Length(u64),
    /// The end of the connection.
    UntilClosed,
}

/// Reads a head, or as much of it as is there: `None` stands for a beginning that is in order.
pub fn parse_head(bytes: &[u8]) -> io::Result<Option<Response>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    if head.parse(bytes).map_err(malformed)?.is_partial() {
        return Ok(None);
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
    let headers = head.headers.iter();
    let headers = headers.map(|header| (header.name.to_owned(), text(header.value)));
    let mut response = Response {
        status: head.code.unwrap_or_default(),
        headers: headers.collect(),
        ..Response::default()
    };
    let closes = |value: &str| value.to_ascii_lowercase().contains("close");
    response.keeps_open = head.version == Some(1) && !response.values("connection").any(closes);
    Ok(Some(response))
}

/// Where the body ends of an answer to that method. Whatever can be read in two ways is an error
/// (RFC 9112, sections 6.1 to 6.3).
pub fn of(response: &Response, method: &str) -> io::Result<Framing> {
    if method == "HEAD" || matches!(response.status, 100..=199 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    let [codings, lengths] = ["transfer-encoding", "content-length"]
        .map(|name| response.values(name).collect::<Vec<_>>());
    match (codings.as_slice(), lengths.as_slice()) {
        ([], []) => Ok(Framing::UntilClosed),
        ([], [length]) => match length.parse() {
            // `parse` would also take `+5`.
            Ok(number) if !length.starts_with('+') => Ok(Framing::Length(number)),
            _ => Err(malformed(format_args!("content-length: {length}"))),
        },
        ([], _) => Err(malformed("content-length stands there more than once")),
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunks),
        (_, []) => {
            let codings = codings.join(", ");
            Err(malformed(format_args!("transfer-encoding: {codings}")))
        }
        (_, _) => Err(malformed("transfer-encoding and content-length together")),
    }
}

/// The length of a chunk, from the line in front of it.
pub fn chunk_length(line: &[u8]) -> io::Result<u64> {
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((_, length))) => Ok(length),
        _ => Err(malformed("the size of a chunk")),
    }
}

/// The error for an answer that is not HTTP as it should be.
pub fn malformed(what: impl Display) -> io::Error {
    let message = format!("the answer is malformed: {what}");
    io::Error::new(io::ErrorKind::InvalidData, message)
}
