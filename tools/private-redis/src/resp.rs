//! RESP, the protocol that Redis and its clients speak.
//!
//! A client sends requests, read by [`RequestReader`]; a server sends values, read by
//! [`ValueReader`]. Both readers are given bytes as they arrive, in whatever pieces, and return
//! what is complete. Both refuse what is larger than a limit, before they make room for it.
//!
//! The rules are those of <https://redis.io/docs/latest/develop/reference/protocol-spec/>: RESP2,
//! and of RESP3 what the answers to `HELLO 3`, `INFO` and `COMMAND DOCS` are made of.

mod buffer;
mod inline;
mod request;
mod value;
mod value_reader;

pub use request::RequestReader;
pub use value::{Protocol, Value, write_request};
pub use value_reader::{ValueError, ValueReader};

/// How long a line may be, in bytes. Redis calls it `PROTO_INLINE_MAX_SIZE` and has the same.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// How long one string may be, in bytes. Redis allows 512 MiB; nobody here counts that far.
pub const BULK_BYTES_MAX: usize = 64 * 1024;

/// How many bytes the arguments of a request may have together. A server holds on to a request until it
/// is complete, for each client: this and the next limit bound what clients can make it hold.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// How many arguments a request may have. Each costs memory of its own, however short it is.
pub const ARGUMENTS_MAX: usize = 1024;

/// How much one value may occupy on the wire, in bytes.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// How many elements a value may have, with all that it contains.
pub const ELEMENTS_MAX: usize = 16 * 1024;

/// How deep arrays may lie in arrays.
pub const NESTING_MAX: usize = 16;

/// Reads a number as strictly as Redis does: no plus sign, no leading zero, no space, no `-0`.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
