//! What a server answers.

/// An answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`: a short text without line breaks.
    Simple(String),
    /// `-ERR …`: an error, without line breaks.
    Error(String),
    /// `:7`: a whole number.
    Integer(i64),
    /// `$3`: bytes.
    Bulk(Vec<u8>),
    /// Nothing: `$-1` in RESP2, `_` in RESP3.
    Null,
    /// `*2`: a list.
    Array(Vec<Value>),
    /// `%1`: pairs. RESP2 has none and gets a list of keys and values in turn.
    Map(Vec<(Value, Value)>),
    /// `=9`: text to be shown as it is. RESP2 has none and gets bytes.
    Verbatim(String),
}

/// The version of the protocol that an answer is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// What every connection starts with.
    #[default]
    Resp2,
    /// What a client asks for with `HELLO 3`.
    Resp3,
}

impl Value {
    /// `+OK`.
    pub fn ok() -> Value {
        Value::Simple("OK".to_owned())
    }

    /// An answer of bytes.
    pub fn bulk(bytes: impl Into<Vec<u8>>) -> Value {
        Value::Bulk(bytes.into())
    }

    /// The text of a simple, bulk or verbatim answer, if it is UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Simple(text) | Value::Verbatim(text) => Some(text),
            Value::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The number of an integer answer.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Appends the answer to `out` as it goes over the wire.
    pub fn write(&self, protocol: Protocol, out: &mut Vec<u8>) {
        let resp3 = protocol == Protocol::Resp3;
        match self {
            Value::Simple(text) => write_line(b'+', text, out),
            Value::Error(text) => write_line(b'-', text, out),
            Value::Integer(number) => write_number(b':', number, out),
            Value::Bulk(bytes) => write_block(b'$', &[bytes], out),
            Value::Null if resp3 => out.extend_from_slice(b"_\r\n"),
            Value::Null => out.extend_from_slice(b"$-1\r\n"),
            Value::Array(elements) => {
                write_number(b'*', elements.len(), out);
                elements
                    .iter()
                    .for_each(|element| element.write(protocol, out));
            }
            Value::Map(pairs) => {
                let (mark, count) = if resp3 {
                    (b'%', pairs.len())
                } else {
                    (b'*', 2 * pairs.len())
                };
                write_number(mark, count, out);
                for (key, value) in pairs {
                    key.write(protocol, out);
                    value.write(protocol, out);
                }
            }
            Value::Verbatim(text) if resp3 => write_block(b'=', &[b"txt:", text.as_bytes()], out),
            Value::Verbatim(text) => write_block(b'$', &[text.as_bytes()], out),
        }
    }
}

/// Appends a request to `out`: an array of strings, as every Redis understands it.
pub fn write_request(arguments: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    write_number(b'*', arguments.len(), out);
    arguments
        .iter()
        .for_each(|argument| write_block(b'$', &[argument.as_ref()], out));
}

/// A line break inside a line would end it early: it becomes a space, as in Redis.
fn write_line(mark: u8, text: &str, out: &mut Vec<u8>) {
    out.push(mark);
    out.extend(text.bytes().map(|byte| {
        if matches!(byte, b'\r' | b'\n') {
            b' '
        } else {
            byte
        }
    }));
    out.extend_from_slice(b"\r\n");
}

fn write_number(mark: u8, number: impl std::fmt::Display, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{}{number}\r\n", char::from(mark)).as_bytes());
}

fn write_block(mark: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    write_number(
        mark,
        parts.iter().map(|part| part.len()).sum::<usize>(),
        out,
    );
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(b"\r\n");
}
