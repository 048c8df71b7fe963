//! Reads what a client sends.

use super::buffer::Buffer;
use super::{ARGUMENTS_MAX, LINE_BYTES_MAX, REQUEST_BYTES_MAX, inline, parse_integer};

/// Puts requests together from bytes that arrive in any pieces. It understands both forms of a
/// request: an array of strings, and a line of words as somebody types it into a terminal.
///
/// Its errors are Redis's own, word for word, to be sent to the client with `ERR ` in front. After
/// an error the bytes that follow have no meaning: close the connection.
#[derive(Debug, Default)]
pub struct RequestReader {
    buffer: Buffer,
    /// How many arguments of the request that is being read are still to come.
    missing: usize,
    /// The length of the argument whose bytes are still to come.
    length: Option<usize>,
    arguments: Vec<Vec<u8>>,
    /// What the arguments so far occupy.
    bytes: usize,
}

type RequestResult<T> = Result<T, String>;

impl RequestReader {
    /// Takes in bytes that arrived. Call [`next_request`](Self::next_request) until it returns
    /// `None` before the next bytes: only then is what waits here bounded.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// How many bytes have arrived and are not yet part of an argument.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing has arrived of the next request.
    pub fn is_empty(&self) -> bool {
        self.missing == 0 && self.buffer.len() == 0
    }

    /// The next request, which has at least one argument, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// `Protocol error: …` when the bytes are not a request or a limit of [`resp`](super) is
    /// exceeded.
    pub fn next_request(&mut self) -> RequestResult<Option<Vec<Vec<u8>>>> {
        loop {
            if self.missing > 0 {
                return self.next_array();
            }
            match self.buffer.first() {
                None => return Ok(None),
                Some(b'*') => {
                    if !self.begin_array()? {
                        return Ok(None);
                    }
                }
                Some(_) => match self.next_inline()? {
                    // A blank line is no request. Redis passes over it, too.
                    Some(words) if words.is_empty() => {}
                    request => return Ok(request),
                },
            }
        }
    }

    /// Reads `*3`. Returns false when more bytes are needed.
    fn begin_array(&mut self) -> RequestResult<bool> {
        let Some(line) = self.take_line("too big mbulk count string")? else {
            return Ok(false);
        };
        let count = line
            .strip_suffix(b"\r")
            .and_then(|line| parse_integer(&line[1..]));
        self.missing = match count {
            // An array of nothing is no request.
            Some(..=0) => 0,
            Some(count) if count as usize <= ARGUMENTS_MAX => count as usize,
            _ => return protocol_error("invalid multibulk length"),
        };
        Ok(true)
    }

    fn next_array(&mut self) -> RequestResult<Option<Vec<Vec<u8>>>> {
        while self.missing > 0 {
            let length = match self.length {
                Some(length) => length,
                None => match self.next_length()? {
                    Some(length) => length,
                    None => return Ok(None),
                },
            };
            let Some(block) = self.buffer.take(length + 2) else {
                return Ok(None);
            };
            // Redis skips two bytes here, whatever they are. We would rather find out.
            let Some(argument) = block.strip_suffix(b"\r\n") else {
                return protocol_error("expected CRLF after a bulk string");
            };
            self.arguments.push(argument.to_vec());
            self.length = None;
            self.missing -= 1;
        }
        self.bytes = 0;
        Ok(Some(std::mem::take(&mut self.arguments)))
    }

    /// Reads `$5`.
    fn next_length(&mut self) -> RequestResult<Option<usize>> {
        let Some(line) = self.take_line("too big bulk count string")? else {
            return Ok(None);
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.first() != Some(&b'$') {
            let got = line.first().map_or(' ', |&byte| char::from(byte));
            return protocol_error(&format!("expected '$', got '{got}'"));
        }
        let length = parse_integer(&line[1..]).and_then(|number| usize::try_from(number).ok());
        let room = REQUEST_BYTES_MAX - self.bytes;
        let Some(length) = length.filter(|&length| length <= room) else {
            return protocol_error("invalid bulk length");
        };
        self.bytes += length;
        self.length = Some(length);
        Ok(Some(length))
    }

    fn next_inline(&mut self) -> RequestResult<Option<Vec<Vec<u8>>>> {
        let Some(line) = self.take_line("too big inline request")? else {
            return Ok(None);
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // There are at least as many spaces as ends of words.
        if line
            .iter()
            .filter(|byte| byte.is_ascii_whitespace())
            .count()
            >= ARGUMENTS_MAX
        {
            return protocol_error("too big inline request");
        }
        match inline::split(line) {
            Some(words) => Ok(Some(words)),
            None => protocol_error("unbalanced quotes in request"),
        }
    }

    fn take_line(&mut self, too_big: &str) -> RequestResult<Option<&[u8]>> {
        let waiting = self.buffer.len();
        match self.buffer.take_line() {
            Some(line) if line.len() <= LINE_BYTES_MAX => Ok(Some(line)),
            None if waiting <= LINE_BYTES_MAX => Ok(None),
            _ => protocol_error(too_big),
        }
    }
}

fn protocol_error<T>(what: &str) -> RequestResult<T> {
    Err(format!("Protocol error: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(bytes: &[u8]) -> RequestResult<Vec<Vec<String>>> {
        let mut reader = RequestReader::default();
        reader.push(bytes);
        let text = |argument: Vec<u8>| String::from_utf8(argument).unwrap();
        let mut requests = Vec::new();
        while let Some(request) = reader.next_request()? {
            requests.push(request.into_iter().map(text).collect());
        }
        Ok(requests)
    }

    #[test]
    fn arrays_lines_and_blanks_may_follow_each_other() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n\r\n*0\r\nPING\n*-1\r\n*1\r\n$0\r\n\r\nPING 'a b'\r\nPIN";
        let expected: [&[&str]; 4] = [&["GET", "a"], &["PING"], &[""], &["PING", "a b"]];
        assert_eq!(requests(bytes).unwrap(), expected);
    }

    #[test]
    fn what_is_malformed_or_too_large_is_refused_in_the_words_of_redis() {
        let x = |count| "x".repeat(count);
        for (bytes, expected) in [
            ("*x\r\n".to_owned(), "invalid multibulk length"),
            ("*1\n".to_owned(), "invalid multibulk length"),
            (
                format!("*{}\r\n", ARGUMENTS_MAX + 1),
                "invalid multibulk length",
            ),
            ("*1\r\nPING\r\n".to_owned(), "expected '$', got 'P'"),
            ("*1\r\n$-1\r\n".to_owned(), "invalid bulk length"),
            (
                format!("*1\r\n${}\r\n", REQUEST_BYTES_MAX + 1),
                "invalid bulk length",
            ),
            (
                format!("*9\r\n{}", format!("$40000\r\n{}\r\n", x(40_000)).repeat(2)),
                "invalid bulk length",
            ),
            (
                format!("ECHO{}\r\n", " x".repeat(ARGUMENTS_MAX)),
                "too big inline request",
            ),
            (
                "*1\r\n$1\r\nabc".to_owned(),
                "expected CRLF after a bulk string",
            ),
            ("PING 'a\r\n".to_owned(), "unbalanced quotes in request"),
            (x(LINE_BYTES_MAX + 1), "too big inline request"),
            (
                format!("*{}", x(LINE_BYTES_MAX)),
                "too big mbulk count string",
            ),
            (
                format!("*1\r\n${}", x(LINE_BYTES_MAX)),
                "too big bulk count string",
            ),
        ] {
            let beginning = &bytes[..bytes.len().min(40)];
            assert_eq!(
                requests(bytes.as_bytes()),
                protocol_error(expected),
                "{beginning:?}"
            );
        }
    }
}
