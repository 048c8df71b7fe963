//! URLs without their secrets.

/// A URL, or what was meant to be one, that can be shown: `redis://***@host`. All before the last `@`
/// may be secret: people forget colons, and to encode what a password is made of.
pub fn without_password(url: &str) -> String {
    let Some((credentials, address)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    let scheme = ["redis://", "rediss://"]
        .into_iter()
        .find(|scheme| credentials.starts_with(scheme));
    format!("{}***@{address}", scheme.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("redis://host:1", "redis://host:1"),
            ("nonsense", "nonsense"),
            ("redis://:secret@host", "redis://***@host"),
            ("redis://me:secret@host:1/2", "redis://***@host:1/2"),
            // The password without its colon, or with characters that ought to be percent-encoded.
            ("redis://secret@host", "redis://***@host"),
            ("redis://:sec@ret@host", "redis://***@host"),
            ("rediss://:sec/ret?x@host", "rediss://***@host"),
            // Several nodes of a cluster.
            ("redis://:secret@a,redis://:secret@b", "redis://***@b"),
            // What was meant to be a URL.
            ("redis:secret@host", "***@host"),
            ("secret//secret@host", "***@host"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
