//! Sessions in a terminal: what was so in one run only is set apart from what you will see, too.

use serde_json::json;

use crate::{IS_LOADED, open, url};

/// A page whose sessions need something, and are recorded.
const PAGE: &str = "step-2-redis.html";

#[test]
fn a_sample_is_set_apart_with_and_without_scripts_and_in_print() {
    let Some((_, mut browser)) = open() else {
        return;
    };
    browser.resize(1280);
    for (medium, has_scripts) in [("screen", true), ("screen", false), ("print", true)] {
        browser.show_as(medium, false);
        browser.allow_scripts(has_scripts);
        browser.go(&url(PAGE));
        browser.wait_for(IS_LOADED);
        for expected in [
            // The highlighter, which colours a session anew, leaves the marks in it.
            "document.querySelectorAll('code.language-console .sample').length > 3",
            "[...document.querySelectorAll('.sample')].every(sample => {
                const style = getComputedStyle(sample);
                return style.textDecorationStyle === 'dotted' && style.opacity < 1;
            })",
            "!document.querySelector('main').textContent.includes('[..')",
            "document.querySelectorAll('.legend').length === 1",
            "document.querySelector('.legend').getBoundingClientRect().width > 100",
            "document.querySelector('.needs').textContent === 'needs redis-server'",
        ] {
            let found = browser.evaluate(expected);
            assert_eq!(found, json!(true), "{medium} {has_scripts}: {expected}");
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
