//! URLs are taken apart, and refused without giving a password away.

use load::Url;

const EXPECTED: &str = "expected a URL such as http://localhost:8000";

#[test]
fn urls_are_taken_apart() {
    for (url, shown) in [
        ("http://localhost:8000", "http://localhost:8000/"),
        ("http://localhost", "http://localhost:80/"),
        ("http://[::1]/a/b?c", "http://[::1]:80/a/b?c"),
        ("http://localhost:8000/a?b#c", "http://localhost:8000/a?b"),
    ] {
        assert_eq!(Url::parse(url).unwrap().to_string(), shown);
    }
    for url in [
        "https://localhost/",
        "localhost:8000",
        "http://",
        "http://localhost:80000",
        "fish",
    ] {
        let error = Url::parse(url).unwrap_err();
        assert!(error.contains(url) && error.contains(EXPECTED), "{error}");
    }
}

#[test]
fn a_password_is_not_repeated() {
    for url in [
        "http://me:secret@localhost",
        "https://me:secret@[::1]:8000/x",
    ] {
        let error = Url::parse(url).unwrap_err();
        assert!(
            !error.contains("secret") && error.contains(EXPECTED),
            "{error}"
        );
    }
}
