//! The book as a reader has it: opened from the disk in a browser, wide and on a phone.

mod figures;
mod models;
mod reader;
mod sessions;

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use book::{Book, render_checked};
use browser::Browser;
use serde_json::json;
use tempfile::TempDir;

/// A window on a desk, and a phone.
const WIDTHS: [u32; 2] = [1280, 390];

/// Only then does a page listen to the keyboard.
const IS_LOADED: &str = "document.readyState === 'complete'";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// The rendered book. It is the same for all tests.
fn rendered() -> &'static Path {
    static RENDERED: OnceLock<PathBuf> = OnceLock::new();
    RENDERED.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
        render_checked(root(), &out).unwrap();
        out.canonicalize().unwrap()
    })
}

/// The names of the pages and a browser; `None` where there is no browser.
fn open() -> Option<(Vec<String>, Browser)> {
    let mut browser = Browser::start()?;
    let pages = Book::read(root()).unwrap().pages;
    let names = pages
        .iter()
        .map(|page| page.name.replace(".md", ".html"))
        .collect();
    browser.enable();
    Some((names, browser))
}

/// Where a page of the book is.
fn url(name: &str) -> String {
    format!("file://{}", rendered().join(name).display())
}

#[test]
fn every_page_fits_its_window_and_asks_for_nothing_elsewhere() {
    let Some((names, mut browser)) = open() else {
        return;
    };
    let mut problems = Vec::new();
    for width in WIDTHS {
        browser.resize(width);
        for name in &names {
            browser.go(&url(name));
            let overflow = browser.evaluate(
                "(() => { const root = document.documentElement;
                if (root.scrollWidth <= innerWidth) return '';
                const wide = [...document.querySelectorAll('main *')].find(e => e.getBoundingClientRect().right > innerWidth + 1);
                return `${root.scrollWidth} wide; perhaps <${wide?.tagName}> ${wide?.textContent.slice(0, 60)}`; })()",
            );
            if overflow != json!("") {
                problems.push(format!("{name} at {width}: {overflow}"));
            }
            problems.extend(
                browser
                    .complaints()
                    .into_iter()
                    .map(|what| format!("{name} at {width}: {what}")),
            );
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// What a page lacks: a text, or a picture, unless it belongs to an answer that has not been opened.
const LACKS: &str = "(() => {
    const main = document.querySelector('main');
    const isSeen = element => {
        const { width, height } = element.getBoundingClientRect();
        return width > 50 && height > 20 && getComputedStyle(element).visibility === 'visible';
    };
    const isClosed = element => element.closest('details:not([open])') !== null;
    const pictures = [...main.querySelectorAll('figure svg, figure img')].filter(picture =>
        !isClosed(picture) && picture.closest('button') === null);
    const texts = [main.querySelector('h1'), ...main.querySelectorAll('p, pre, table')].filter(text =>
        !isClosed(text) && text.innerText?.trim() !== '' && text.closest('figure') === null);
    return [
        ...pictures.filter(picture => !isSeen(picture) || picture.naturalWidth === 0)
            .map(picture => `picture ${picture.closest('figure').innerText.slice(0, 60)}`),
        ...texts.filter(text => !isSeen(text) && text.innerText.length > 20)
            .map(text => `text ${text.innerText.slice(0, 60)}`),
        ...(main.innerText.length < 500 ? ['nearly everything'] : []),
    ];
})()";

#[test]
fn every_page_and_picture_stands_without_scripts_and_in_print() {
    let Some((names, mut browser)) = open() else {
        return;
    };
    let mut problems = Vec::new();
    browser.resize(WIDTHS[0]);
    for (has_scripts, media) in [(false, &["screen", "print"][..]), (true, &["print"])] {
        browser.allow_scripts(has_scripts);
        for name in &names {
            browser.go(&url(name));
            browser.wait_for(IS_LOADED);
            for medium in media {
                browser.show_as(medium, false);
                let lacks = browser.evaluate(LACKS);
                if lacks != json!([]) {
                    let scripts = if has_scripts { "with" } else { "without" };
                    problems.push(format!("{name}, {medium} {scripts} scripts: {lacks}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_book_can_be_searched_and_leafed_through_by_keyboard() {
    let Some((names, mut browser)) = open() else {
        return;
    };
    browser.resize(WIDTHS[0]);
    browser.go(&url(&names[0]));
    let text = names.iter().map(|name| {
        std::fs::read_to_string(rendered().join(name))
            .unwrap()
            .to_lowercase()
    });
    let word = if text.into_iter().any(|text| text.contains(" pool")) {
        "pool"
    } else {
        "visit"
    };
    browser.press("s");
    browser.wait_for("document.activeElement?.id.includes('searchbar')");
    browser.type_text(word);
    browser.wait_for("document.querySelectorAll('[id$=searchresults] li').length > 0");

    if let Some(second) = names.get(1) {
        browser.go(&url(&names[0]));
        browser.press("ArrowRight");
        browser.wait_for(&format!(
            "{IS_LOADED} && location.pathname.endsWith('/{second}')"
        ));
        browser.press("ArrowLeft");
        browser.wait_for(&format!(
            "{IS_LOADED} && !location.pathname.endsWith('/{second}')"
        ));
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_with_a_page_is_seen() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.enable();
    browser.resize(390);
    let folder = TempDir::new().unwrap();
    let page = "<p>x<script>console.error('broken'); throw new Error('thrown')</script><img src='http://127.0.0.1:9/x.png'><div style='width:900px'>wide</div>";
    std::fs::write(folder.path().join("bad.html"), page).unwrap();
    let page = folder.path().join("bad.html");
    browser.go(&format!("file://{}", page.display()));
    browser.wait_for("document.images[0].complete");
    let complaints = browser.complaints().join("\n");
    for expected in ["broken", "thrown", "http://127.0.0.1:9/x.png"] {
        assert!(complaints.contains(expected), "{complaints}");
    }
    assert_eq!(
        browser.evaluate("document.documentElement.scrollWidth > 390"),
        json!(true)
    );
}
