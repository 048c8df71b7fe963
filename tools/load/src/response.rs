//! What a server has answered.

use std::{fmt, time::Duration};

/// An answer, whole.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// The header lines in their order.
    pub headers: Vec<(String, String)>,
    /// Whether the server means to answer more on this connection.
    pub keeps_open: bool,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// How long it took, from the last byte of the request to the last of the answer.
    pub took: Duration,
}

impl Response {
    /// The value of the first header with that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The values of all headers with that name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter();
        let named = named.filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it admits a failure (5xx).
    pub fn is_failure(&self) -> bool {
        (500..=599).contains(&self.status)
    }

    /// Whether it is a refusal that is in order: 503, with `Retry-After` in seconds.
    pub fn turns_away(&self) -> bool {
        let seconds = self.header("retry-after").map(str::parse::<u32>);
        self.status == 503 && matches!(seconds, Some(Ok(_)))
    }

    /// The number on the page, if this is the page and every letter of it is right.
    pub fn seen(&self) -> Option<u64> {
        let text = self.text();
        let number = text
            .strip_prefix("Hello World! I have been seen ")?
            .strip_suffix(" times.\n")?;
        // `parse` would also take `+1` and `007`. Redis counts no further than an `i64` goes.
        let parsed = number.parse::<i64>().ok()?.try_into().ok()?;
        let is_exact = |parsed: &u64| self.status == 200 && parsed.to_string() == number;
        Some(parsed).filter(is_exact)
    }
}

/// As one would see it on a terminal, a body that is too long cut short.
impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "HTTP {} after {} ms", self.status, self.took.as_millis())?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        let text: String = self.text().chars().take(200).collect();
        write!(f, "\n{}", text.trim_end())
    }
}
