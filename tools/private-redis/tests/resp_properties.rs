//! What holds for every value, every way to cut it into pieces, and every heap of bytes.

use private_redis::resp::{
    BULK_BYTES_MAX, LINE_BYTES_MAX, Protocol, REQUEST_BYTES_MAX, RequestReader, Value, ValueReader,
    write_request,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Text that a line can carry.
fn text() -> impl Strategy<Value = String> {
    "[^\r\n]{0,40}"
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::Simple),
        text().prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        vec(any::<u8>(), 0..100).prop_map(Value::Bulk),
        Just(Value::Null),
        any::<String>().prop_map(Value::Verbatim),
    ];
    leaf.prop_recursive(8, 100, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::Array),
            vec((inner.clone(), inner), 0..8).prop_map(Value::Map),
        ]
    })
}

/// What a client of RESP2 sees of a value.
fn in_resp2(value: Value) -> Value {
    match value {
        Value::Verbatim(text) => Value::Bulk(text.into_bytes()),
        Value::Array(elements) => Value::Array(elements.into_iter().map(in_resp2).collect()),
        Value::Map(pairs) => Value::Array(
            pairs
                .into_iter()
                .flat_map(|(key, value)| [in_resp2(key), in_resp2(value)])
                .collect(),
        ),
        value => value,
    }
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

/// Cuts bytes into pieces of the given sizes, over and over.
fn pieces<'a>(mut bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    sizes.iter().cycle().map_while(move |&size| {
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn read_values(bytes: &[u8], sizes: &[usize]) -> Vec<Value> {
    let mut reader = ValueReader::default();
    let mut values = Vec::new();
    for piece in pieces(bytes, sizes) {
        reader.push(piece);
        while let Some(value) = reader.next_value().unwrap() {
            values.push(value);
        }
    }
    assert_eq!(reader.buffered(), 0);
    values
}

proptest! {
    #[test]
    fn values_are_read_as_they_were_written(values in vec(value(), 1..4), sizes in vec(1_usize..50, 1..8)) {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut bytes = Vec::new();
            values.iter().for_each(|value| value.write(protocol, &mut bytes));
            let expected: Vec<Value> = match protocol {
                Protocol::Resp2 => values.iter().cloned().map(in_resp2).collect(),
                Protocol::Resp3 => values.clone(),
            };
            prop_assert_eq!(read_values(&bytes, &sizes), expected);
        }
    }

    #[test]
    fn requests_are_read_as_they_were_written(
        requests in vec(vec(vec(any::<u8>(), 0..100), 1..8), 1..4),
        sizes in vec(1_usize..50, 1..8),
    ) {
        let mut bytes = Vec::new();
        requests.iter().for_each(|request| write_request(request, &mut bytes));
        let mut reader = RequestReader::default();
        let mut read = Vec::new();
        for piece in pieces(&bytes, &sizes) {
            reader.push(piece);
            while let Some(request) = reader.next_request().unwrap() {
                read.push(request);
            }
        }
        prop_assert_eq!(reader.buffered(), 0);
        prop_assert_eq!(read, requests);
    }

    #[test]
    fn a_line_break_in_an_error_does_not_begin_another_answer(text in any::<String>()) {
        let mut bytes = Vec::new();
        Value::Error(text).write(Protocol::Resp2, &mut bytes);
        prop_assert_eq!(read_values(&bytes, &[7]).len(), 1);
    }

    /// The same bytes mean the same in one piece and in many, up to and including the error.
    #[test]
    fn any_bytes_are_read_or_refused_alike_in_one_piece_and_in_many(
        bytes in nearly_resp(),
        sizes in vec(1_usize..50, 1..8),
    ) {
        let whole = [bytes.len().max(1)];
        prop_assert_eq!(outcome_of_values(&bytes, &whole), outcome_of_values(&bytes, &sizes));
        prop_assert_eq!(outcome_of_requests(&bytes, &whole), outcome_of_requests(&bytes, &sizes));
    }
}

proptest! {
    // Each case is long: fewer of them, and no long search for the shortest that fails.
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_time: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_hold_more_than_its_limit(
        beginning in prop_oneof![
            Just(vec![]), Just(b"+".to_vec()), Just(b"*".to_vec()), Just(b"*1
$".to_vec()), nearly_resp(),
        ],
        filler in prop_oneof![Just(b"x".to_vec()), Just(b"*1\r\n".to_vec()), Just(b"$9\r\n".to_vec()), nearly_resp()],
    ) {
        let mut bytes = beginning;
        while bytes.len() < 3 * LINE_BYTES_MAX && !filler.is_empty() {
            bytes.extend_from_slice(&filler);
        }
        outcome_of_values(&bytes, &[16 * 1024]);
        outcome_of_requests(&bytes, &[16 * 1024]);
    }
}

/// Everything that is read up to the first error, and whether there was one.
fn outcome_of_values(bytes: &[u8], sizes: &[usize]) -> (Vec<Value>, bool) {
    let mut reader = ValueReader::default();
    let mut values = Vec::new();
    for piece in pieces(bytes, sizes) {
        reader.push(piece);
        loop {
            match reader.next_value() {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(_) => return (values, true),
            }
        }
        assert_is_bounded(reader.buffered());
    }
    (values, false)
}

fn outcome_of_requests(bytes: &[u8], sizes: &[usize]) -> (Vec<Vec<Vec<u8>>>, Option<String>) {
    let mut reader = RequestReader::default();
    let mut requests = Vec::new();
    for piece in pieces(bytes, sizes) {
        reader.push(piece);
        loop {
            match reader.next_request() {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(message) => return (requests, Some(message)),
            }
        }
        assert_is_bounded(reader.buffered());
    }
    (requests, None)
}

fn assert_is_bounded(buffered: usize) {
    let limit = LINE_BYTES_MAX.max(BULK_BYTES_MAX.max(REQUEST_BYTES_MAX) + "\r\n".len());
    assert!(
        buffered <= limit,
        "{buffered} bytes wait, more than {limit}"
    );
}
