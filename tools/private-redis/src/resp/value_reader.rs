//! Reads what a server answers.

use std::fmt;

use super::buffer::Buffer;
use super::{
    BULK_BYTES_MAX, ELEMENTS_MAX, FRAME_BYTES_MAX, LINE_BYTES_MAX, NESTING_MAX, Value,
    parse_integer,
};

/// Puts values together from bytes that arrive in any pieces.
///
/// After an error the bytes that follow have no meaning: close the connection.
#[derive(Debug, Default)]
pub struct ValueReader {
    buffer: Buffer,
    /// The lists that have begun and are not complete, the outermost first.
    open: Vec<Open>,
    /// The string whose length is known and whose bytes are still to come.
    block: Option<Block>,
    /// What the value that is being read has used up so far.
    elements: usize,
    bytes: usize,
}

/// A list that is not complete.
#[derive(Debug)]
struct Open {
    missing: usize,
    is_map: bool,
    elements: Vec<Value>,
}

#[derive(Debug)]
struct Block {
    length: usize,
    is_verbatim: bool,
}

/// Bytes that are not RESP, or more of it than the limits allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError(&'static str);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a RESP value: {}", self.0)
    }
}

impl std::error::Error for ValueError {}

impl ValueReader {
    /// Takes in bytes that arrived. Call [`next_value`](Self::next_value) until it returns `None`
    /// before the next bytes: only then is what waits here bounded.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// How many bytes have arrived and are not yet part of a value.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The next value, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// When the bytes are not RESP or a limit of [`resp`](super) is exceeded.
    pub fn next_value(&mut self) -> Result<Option<Value>, ValueError> {
        while let Some(element) = self.next_element()? {
            if let Some(value) = self.place(element) {
                (self.elements, self.bytes) = (0, 0);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Reads one element that is complete in itself: a list that has elements only opens here.
    fn next_element(&mut self) -> Result<Option<Value>, ValueError> {
        loop {
            if let Some(block) = &self.block {
                return self.next_block(block.length, block.is_verbatim);
            }
            let Some(line) = self.buffer.take_line() else {
                return if self.buffer.len() > LINE_BYTES_MAX {
                    Err(ValueError("a line is too long"))
                } else {
                    Ok(None)
                };
            };
            let Some((&mark, text)) = line.strip_suffix(b"\r").and_then(<[u8]>::split_first) else {
                return Err(ValueError("a line is empty or does not end in CRLF"));
            };
            self.bytes += line.len() + 1;
            self.elements += 1;
            if line.len() > LINE_BYTES_MAX
                || self.bytes > FRAME_BYTES_MAX
                || self.elements > ELEMENTS_MAX
            {
                return Err(ValueError("it is too large"));
            }
            match mark {
                b'+' => return Ok(Some(Value::Simple(lossy(text)))),
                b'-' => return Ok(Some(Value::Error(lossy(text)))),
                b':' => {
                    return parse_integer(text)
                        .map(|number| Some(Value::Integer(number)))
                        .ok_or(BAD_NUMBER);
                }
                b'_' if text.is_empty() => return Ok(Some(Value::Null)),
                // The two ways in which RESP2 says "nothing".
                b'$' | b'*' if text == b"-1" => return Ok(Some(Value::Null)),
                b'$' | b'=' => {
                    let length = length(text, BULK_BYTES_MAX)?;
                    self.bytes += length + 2;
                    if self.bytes > FRAME_BYTES_MAX {
                        return Err(ValueError("it is too large"));
                    }
                    self.block = Some(Block {
                        length,
                        is_verbatim: mark == b'=',
                    });
                }
                b'*' | b'%' => {
                    let is_map = mark == b'%';
                    let missing = length(text, ELEMENTS_MAX)? * if is_map { 2 } else { 1 };
                    if missing == 0 {
                        return Ok(Some(list(is_map, Vec::new())));
                    }
                    if self.open.len() == NESTING_MAX {
                        return Err(ValueError("lists lie too deep in lists"));
                    }
                    // No room is made for what is only announced.
                    self.open.push(Open {
                        missing,
                        is_map,
                        elements: Vec::new(),
                    });
                }
                _ => return Err(ValueError("no type begins with this byte")),
            }
        }
    }

    fn next_block(
        &mut self,
        length: usize,
        is_verbatim: bool,
    ) -> Result<Option<Value>, ValueError> {
        let Some(block) = self.buffer.take(length + 2) else {
            return Ok(None);
        };
        self.block = None;
        let Some(bytes) = block.strip_suffix(b"\r\n") else {
            return Err(ValueError("a string does not end in CRLF"));
        };
        if !is_verbatim {
            return Ok(Some(Value::bulk(bytes)));
        }
        // Three letters name the format of the text, and a colon parts them from it.
        match bytes.get(4..) {
            Some(text) if bytes[3] == b':' => Ok(Some(Value::Verbatim(lossy(text)))),
            _ => Err(ValueError("a verbatim text does not name its format")),
        }
    }

    /// Puts an element into the innermost open list, and a list that this completes into the one
    /// around it. What has nothing around it is the value.
    fn place(&mut self, mut element: Value) -> Option<Value> {
        while let Some(mut open) = self.open.pop() {
            open.elements.push(element);
            open.missing -= 1;
            if open.missing > 0 {
                self.open.push(open);
                return None;
            }
            element = list(open.is_map, open.elements);
        }
        Some(element)
    }
}

const BAD_NUMBER: ValueError = ValueError("a number is malformed");

fn length(text: &[u8], max: usize) -> Result<usize, ValueError> {
    let length = parse_integer(text)
        .and_then(|number| usize::try_from(number).ok())
        .ok_or(BAD_NUMBER)?;
    if length > max {
        Err(ValueError("it is too large"))
    } else {
        Ok(length)
    }
}

fn list(is_map: bool, elements: Vec<Value>) -> Value {
    if !is_map {
        return Value::Array(elements);
    }
    let mut elements = elements.into_iter();
    Value::Map(std::iter::from_fn(|| Some((elements.next()?, elements.next()?))).collect())
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Value>, ValueError> {
        let mut reader = ValueReader::default();
        reader.push(bytes);
        reader.next_value()
    }

    #[test]
    fn every_type_is_read() {
        let simple = |text: &str| Value::Simple(text.to_owned());
        for (bytes, expected) in [
            ("+OK\r\n", simple("OK")),
            ("-ERR no\r\n", Value::Error("ERR no".to_owned())),
            (":-7\r\n", Value::Integer(-7)),
            ("$4\r\na\r\nb\r\n", Value::bulk("a\r\nb")),
            ("$0\r\n\r\n", Value::bulk("")),
            ("$-1\r\n", Value::Null),
            ("*-1\r\n", Value::Null),
            ("_\r\n", Value::Null),
            ("*0\r\n", Value::Array(vec![])),
            (
                "*2\r\n*1\r\n:1\r\n+a\r\n",
                Value::Array(vec![Value::Array(vec![Value::Integer(1)]), simple("a")]),
            ),
            (
                "%1\r\n+a\r\n%0\r\n",
                Value::Map(vec![(simple("a"), Value::Map(vec![]))]),
            ),
            ("=6\r\ntxt:ab\r\n", Value::Verbatim("ab".to_owned())),
        ] {
            assert_eq!(read(bytes.as_bytes()), Ok(Some(expected)), "{bytes:?}");
            let cut = &bytes.as_bytes()[..bytes.len() - 1];
            assert_eq!(read(cut), Ok(None), "{bytes:?} without its last byte");
        }
    }

    #[test]
    fn what_is_not_resp_is_refused() {
        for bytes in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            "+OK\n",
            ":\r\n",
            ":+1\r\n",
            ":01\r\n",
            ":9223372036854775808\r\n",
            "$-2\r\n",
            "$x\r\n",
            "*-2\r\n",
            "$1\r\nabc",
            "_x\r\n",
            "=3\r\ntxt\r\n",
            "=4\r\ntxt-\r\n",
            "%-1\r\n",
        ] {
            assert!(
                read(bytes.as_bytes()).is_err(),
                "{bytes:?} was taken for {:?}",
                read(bytes.as_bytes())
            );
        }
    }

    #[test]
    fn what_is_too_large_is_refused_as_soon_as_it_is_announced() {
        let nested = |depth: usize| "*1\r\n".repeat(depth) + ":1\r\n";
        assert!(read(nested(NESTING_MAX).as_bytes()).is_ok());
        for bytes in [
            format!("${}\r\n", BULK_BYTES_MAX + 1),
            format!("*{}\r\n", ELEMENTS_MAX + 1),
            "*9223372036854775807\r\n".to_owned(),
            nested(NESTING_MAX + 1),
            format!("*3\r\n{}", format!("*{}\r\n", ELEMENTS_MAX / 2).repeat(3))
                + &":1\r\n".repeat(ELEMENTS_MAX),
            format!("+{}", "x".repeat(LINE_BYTES_MAX)),
            format!(
                "*64\r\n{}",
                format!("$65000\r\n{}\r\n", "x".repeat(65_000)).repeat(17)
            ),
        ] {
            let beginning = &bytes[..bytes.len().min(40)];
            assert!(
                read(bytes.as_bytes()).is_err(),
                "{beginning:?}… was not refused"
            );
        }
    }
}
