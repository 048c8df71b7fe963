//! Where the head and the body of an answer end.

use std::{io, time::Duration};

use crate::http::Response;

/// The most header lines that an answer may have.
const HEADERS_MAX: usize = 64;

/// Reads the head of an answer, if it is all there: the answer without its body, the length of the
/// head, and whether the connection stays open.
pub fn parse_head(bytes: &[u8]) -> io::Result<Option<(Response, usize, bool)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let status = head
        .parse(bytes)
        .map_err(|error| malformed(&error.to_string()))?;
    let httparse::Status::Complete(length) = status else {
        return Ok(None);
    };
    // The parser forgives this. Two servers in a row that disagree on it see different answers.
    let ends = |at: usize| at > 0 && bytes[at - 1] == b'\r';
    if (0..length).any(|at| bytes[at] == b'\n' && !ends(at)) {
        return Err(malformed(
            "a line of its head ends without a carriage return",
        ));
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
    let response = Response {
        status: head.code.unwrap_or_default(),
        headers: head
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), text(header.value)))
            .collect(),
        body: Vec::new(),
        took: Duration::ZERO,
    };
    let connection = response
        .header("connection")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let keeps_open = head.version == Some(1) && !connection.contains("close");
    Ok(Some((response, length, keeps_open)))
}

/// What tells where a body ends.
pub enum Framing {
    /// A chunk of length 0.
    Chunks,
    /// This many bytes.
    Length(usize),
    /// The end of the connection.
    UntilClosed,
}

/// Where a body ends. Whatever can be read in two ways is an error (RFC 9112, sections 6.1 to 6.3).
pub fn framing(headers: &[(String, String)]) -> io::Result<Framing> {
    let values = |name: &str| -> Vec<&str> {
        let named = headers
            .iter()
            .filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match (
        values("transfer-encoding").as_slice(),
        values("content-length").as_slice(),
    ) {
        ([], []) => Ok(Framing::UntilClosed),
        ([], [length]) => match length.parse() {
            Ok(number) if is_number(length) => Ok(Framing::Length(number)),
            _ => Err(malformed(&format!("content-length: {length}"))),
        },
        ([], _) => Err(malformed("content-length stands there more than once")),
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunks),
        (codings, []) => Err(malformed(&format!(
            "transfer-encoding: {}",
            codings.join(", ")
        ))),
        (_, _) => Err(malformed("transfer-encoding and content-length together")),
    }
}

/// The error for an answer that is not HTTP as it should be.
pub fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the answer is malformed: {what}"),
    )
}
