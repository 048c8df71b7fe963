//! Splits a request that somebody typed into words.

/// Splits a line at white space. Quotes keep white space in a word: `"…"` with the escapes
/// `\n \r \t \b \a \xHH \" \\`, or `'…'` with `\'` alone. The rules are those of Redis.
///
/// Returns `None` when a quote is not closed, or not followed by white space.
pub(super) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = next_word(rest, &mut word)?.trim_ascii_start();
        words.push(word);
    }
    Some(words)
}

/// Reads one word into `word` and returns what follows it.
fn next_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return Some(rest),
            [space, ..] if space.is_ascii_whitespace() => return Some(rest),
            // A quote may open in the middle of a word, but ends it.
            [b'"', quoted @ ..] => return closed(double_quoted(quoted, word)?),
            [b'\'', quoted @ ..] => return closed(single_quoted(quoted, word)?),
            [byte, rest @ ..] => {
                word.push(*byte);
                rest
            }
        };
    }
}

fn closed(rest: &[u8]) -> Option<&[u8]> {
    rest.first()
        .is_none_or(u8::is_ascii_whitespace)
        .then_some(rest)
}

fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, tail) = match rest {
            [] => return None,
            [b'"', tail @ ..] => return Some(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (16 * hex(*high) + hex(*low), tail)
            }
            [b'\\', escaped, tail @ ..] => (unescape(*escaped), tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        word.push(byte);
        rest = tail;
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, tail) = match rest {
            [] => return None,
            [b'\'', tail @ ..] => return Some(tail),
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        word.push(byte);
        rest = tail;
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    fn words(line: &str) -> Option<Vec<String>> {
        let words = split(line.as_bytes())?;
        Some(
            words
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect(),
        )
    }

    #[test]
    fn words_are_parted_by_white_space_and_kept_together_by_quotes() {
        assert_eq!(
            words("  SET  a\tb "),
            Some(vec!["SET".into(), "a".into(), "b".into()])
        );
        assert_eq!(
            words(r#"x "a b" 'c d'"#),
            Some(vec!["x".into(), "a b".into(), "c d".into()])
        );
        assert_eq!(words(r#""a\n\x41\"\\\q""#), Some(vec!["a\nA\"\\q".into()]));
        assert_eq!(words(r"'a\'b\n'"), Some(vec![r"a'b\n".into()]));
        assert_eq!(words(r#"pre"fix""#), Some(vec!["prefix".into()]));
        assert_eq!(words(r#""" ''"#), Some(vec![String::new(), String::new()]));
        assert_eq!(words(""), Some(vec![]));
    }

    #[test]
    fn quotes_that_do_not_close_are_refused() {
        for line in [r#""a"#, "'a", r#""a"b"#, "'a'b", r#""a\"#] {
            assert_eq!(words(line), None, "{line}");
        }
    }
}
