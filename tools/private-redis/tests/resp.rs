//! What holds for every value, every way to cut it into pieces, and every heap of bytes.

use std::io::{self, BufReader, Read};

use private_redis::resp::{
    ARGUMENTS_MAX, REQUEST_BYTES_MAX, Value, read_request, read_value, write_request,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Longer than any line may be.
const LONG_LINE: usize = 64 * 1024 + 1;

/// How deep lists may lie in lists.
const NESTING_MAX: usize = 16;

/// Bytes that arrive in pieces of the given sizes, over and over.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = *self.sizes.next().expect("it is endless");
        let length = size.min(buffer.len());
        (&mut self.bytes).take(length as u64).read(buffer)
    }
}

fn pieces<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> BufReader<Pieces<'a>> {
    let sizes = sizes.iter().cycle();
    BufReader::new(Pieces { bytes, sizes })
}

/// Everything that is read up to the first error, and that error.
fn read_all<T>(
    bytes: &[u8],
    sizes: &[usize],
    read: fn(&mut BufReader<Pieces<'_>>) -> io::Result<T>,
) -> (Vec<T>, String) {
    let mut reader = pieces(bytes, sizes);
    let mut all = Vec::new();
    loop {
        match read(&mut reader) {
            Ok(one) => all.push(one),
            Err(error) => return (all, error.to_string()),
        }
    }
}

/// Text that a line can carry.
fn text() -> impl Strategy<Value = String> {
    "[^\r\n]{0,40}"
}

/// A value that RESP2 can say.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::Simple),
        text().prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        vec(any::<u8>(), 0..100).prop_map(Value::Bulk),
        Just(Value::Null),
    ];
    leaf.prop_recursive(8, 100, 8, |inner| vec(inner, 0..8).prop_map(Value::Array))
}

/// Bytes that often look like RESP for a while.
fn nearly_resp() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[-+:$*%_=]".prop_map(String::into_bytes),
        4 => Just(b"\r\n".to_vec()),
        4 => (-2_i64..300).prop_map(|number| number.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        1 => "[ \"'a-z\\\\\n]{0,20}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..300),
    ];
    vec(piece, 0..200).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn values_are_read_as_they_were_written(
        values in vec(value(), 1..4),
        sizes in vec(1_usize..50, 1..8),
    ) {
        let mut bytes = Vec::new();
        values.iter().for_each(|value| value.write(false, &mut bytes));
        prop_assert_eq!(read_all(&bytes, &sizes, |reader| read_value(reader)).0, values);
    }

    #[test]
    fn requests_are_read_as_they_were_written(
        requests in vec(vec(vec(any::<u8>(), 0..100), 1..8), 1..4),
        sizes in vec(1_usize..50, 1..8),
    ) {
        let mut bytes = Vec::new();
        requests.iter().for_each(|request| write_request(request, &mut bytes));
        prop_assert_eq!(read_all(&bytes, &sizes, |reader| read_request(reader)).0, requests);
    }

    #[test]
    fn a_line_break_in_an_error_does_not_begin_another_answer(text in any::<String>()) {
        let mut bytes = Vec::new();
        Value::Error(text).write(false, &mut bytes);
        prop_assert_eq!(read_all(&bytes, &[7], |reader| read_value(reader)).0.len(), 1);
    }

    /// The same bytes mean the same in one piece and in many, up to and including the error.
    #[test]
    fn any_bytes_are_read_or_refused_alike_in_one_piece_and_in_many(
        bytes in nearly_resp(),
        sizes in vec(1_usize..50, 1..8),
    ) {
        let whole = [bytes.len().max(1)];
        let read = |sizes| read_all(&bytes, sizes, |reader| read_value(reader));
        prop_assert_eq!(read(&whole), read(&sizes));
        let read = |sizes| read_all(&bytes, sizes, |reader| read_request(reader));
        prop_assert_eq!(read(&whole), read(&sizes));
    }
}

fn value_of(bytes: &str) -> io::Result<Value> {
    read_value(&mut bytes.as_bytes())
}

#[test]
fn every_type_is_read() {
    let simple = |text: &str| Value::Simple(text.to_owned());
    for (bytes, expected) in [
        ("+OK\r\n", simple("OK")),
        ("-ERR no\r\n", Value::Error("ERR no".to_owned())),
        (":-7\r\n", Value::Integer(-7)),
        ("$4\r\na\r\nb\r\n", Value::Bulk(b"a\r\nb".to_vec())),
        ("$0\r\n\r\n", Value::Bulk(Vec::new())),
        ("$-1\r\n", Value::Null),
        ("*-1\r\n", Value::Null),
        ("*0\r\n", Value::Array(vec![])),
        (
            "*2\r\n*1\r\n:1\r\n+a\r\n",
            Value::Array(vec![Value::Array(vec![Value::Integer(1)]), simple("a")]),
        ),
    ] {
        assert_eq!(value_of(bytes).unwrap(), expected, "{bytes:?}");
        let error = value_of(&bytes[..bytes.len() - 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{bytes:?}");
    }
}

#[test]
fn what_is_not_resp_or_too_large_is_refused() {
    let nested = |depth: usize| "*1\r\n".repeat(depth) + ":1\r\n";
    assert!(value_of(&nested(NESTING_MAX)).is_ok());
    let mebibyte = 1024 * 1024;
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
        "*9223372036854775807\r\n",
        &format!("${}\r\n", mebibyte + 1),
        &format!("*{mebibyte}\r\n{}", ":1\r\n".repeat(mebibyte)),
        &nested(NESTING_MAX + 1),
        &nested(LONG_LINE),
        &"+".repeat(LONG_LINE),
    ] {
        let beginning = &bytes[..bytes.len().min(40)];
        let error = value_of(bytes).expect_err(beginning);
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{beginning:?}");
    }
}

#[test]
fn a_malformed_or_too_large_request_is_refused_in_the_words_of_redis() {
    let x = |count| "x".repeat(count);
    for (bytes, expected) in [
        ("*x\r\n", "invalid multibulk length"),
        ("*0\r\n", "invalid multibulk length"),
        (
            &format!("*{}\r\n", ARGUMENTS_MAX + 1),
            "invalid multibulk length",
        ),
        ("PING\r\n", "expected '*', got 'P'"),
        ("*1\r\nPING\r\n", "expected '$', got 'P'"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        (
            &format!("*1\r\n${}\r\n", REQUEST_BYTES_MAX + 1),
            "invalid bulk length",
        ),
        (
            &format!("*9\r\n{}", format!("$40000\r\n{}\r\n", x(40_000)).repeat(2)),
            "invalid bulk length",
        ),
        ("*1\r\n$1\r\nabc", "expected CRLF after a bulk string"),
        ("*1\n", "expected CRLF after a line"),
        (&format!("*{}", x(LONG_LINE)), "too big mbulk count string"),
        (
            &format!("*1\r\n${}", x(LONG_LINE)),
            "too big bulk count string",
        ),
    ] {
        let beginning = &bytes[..bytes.len().min(40)];
        let error = read_request(&mut bytes.as_bytes()).expect_err(beginning);
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.to_string(), format!("Protocol error: {expected}"));
    }
}
