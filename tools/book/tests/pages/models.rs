//! Figures that a model draws, and that a reader changes.

use std::env;

use processes::programs::Tool;
use serde_json::{Value, json};

use crate::{IS_LOADED, reader::Reader};

/// A page that has one, and how it is told from others.
const PAGE: &str = "step-5-batched.html";

fn open() -> Option<Reader> {
    Reader::open(PAGE, "seen-model")
}

/// Whether the model runs in the page. Where it cannot be compiled, a test says `skipped: ` and why; with
/// `SEEN_STRICT` in the environment it fails instead.
fn runs() -> bool {
    let is_here = Tool::WEB_ASSEMBLY.version().is_some();
    if !is_here {
        println!("skipped: the target for WebAssembly is missing; cargo xtask doctor");
        let strict = env::var_os("SEEN_STRICT");
        assert!(strict.is_none(), "--strict allows nothing to be skipped");
    }
    is_here
}

const IS_HIDDEN: &str = "['table', '.controls'].every(part => getComputedStyle(F.querySelector(part)).display === 'none')";

/// How many commands the batches take: the first row of the table, in its fourth column.
const COMMANDS: &str = "Number(F.querySelector('tbody').rows[0].cells[3].textContent)";

impl Reader {
    fn guess(&mut self) {
        self.focus(".answers button");
        self.browser.press("Enter");
        self.wait_for("!F.classList.contains('asks')");
    }

    /// Waits until the settings are there, and takes one of them.
    fn take(&mut self, part: &str) {
        self.wait_for("F.querySelector('form.settings') !== null");
        self.focus(&format!(".settings {part}"));
    }

    fn commands(&mut self) -> i64 {
        self.evaluate(COMMANDS).as_i64().unwrap()
    }
}

#[test]
fn a_reader_guesses_before_anything_is_shown() {
    let Some(mut reader) = open() else {
        return;
    };
    reader.focus(".answers button");
    assert_eq!(reader.evaluate("F.at"), json!(0));
    assert_eq!(reader.evaluate(IS_HIDDEN), json!(true));
    // Not even a shade of what comes.
    let cover = "getComputedStyle(F.querySelector('.cover rect')).opacity";
    assert_eq!(reader.evaluate(cover), json!("1"));
    reader.browser.press("Enter");
    reader.wait_for("F.isPlaying && F.at > 100");
    assert_eq!(reader.evaluate(IS_HIDDEN), json!(false));
    assert_eq!(reader.evaluate(cover), json!("0.88"));
    let result = reader.evaluate("F.querySelector('.result').textContent");
    assert!(result.as_str().unwrap().starts_with("No. "), "{result}");
    let right =
        "F.drawn.answer === Number(F.querySelector('.result').textContent.match(/[0-9]+/)[0])";
    assert_eq!(reader.evaluate(right), json!(true));
    assert_eq!(reader.browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_reader_changes_a_figure_by_keyboard() {
    let Some(mut reader) = open().filter(|_| runs()) else {
        return;
    };
    reader.guess();
    let drawn = |reader: &mut Reader| -> Value {
        reader.evaluate("[...F.querySelectorAll('svg > :not(.cover)')].map(part => part.outerHTML).join('') + F.querySelector('table').innerText")
    };
    let first = drawn(&mut reader);
    let before = reader.commands();
    // Fewer commands where Redis is farther away.
    reader.take("> label:nth-of-type(2) input");
    reader.browser.press("ArrowRight");
    reader.wait_for(&format!("{COMMANDS} < {before}"));
    // What the page came with was drawn elsewhere, by the same model.
    reader.browser.press("ArrowLeft");
    reader.wait_for(&format!("{COMMANDS} === {before}"));
    assert_eq!(drawn(&mut reader), first);
    // The way of counting, which the first of the radio buttons changes.
    reader.take("input[type=radio]");
    reader.browser.press(" ");
    reader.wait_for("F.querySelector('desc').textContent.includes('one by one')");
    let place = reader.evaluate("location.pathname");
    assert!(place.as_str().unwrap().ends_with(PAGE), "{place}");
    assert_eq!(reader.browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_reader_drops_in_and_loses_a_reply() {
    let Some(mut reader) = open().filter(|_| runs()) else {
        return;
    };
    reader.guess();
    let rows = "F.querySelector('tbody').rows.length";
    let before = reader.evaluate(rows);
    reader.take("button");
    reader.browser.press("Enter");
    reader.wait_for(
        "F.querySelector('.mine') !== null && F.querySelector('table').innerText.includes('your visitor')",
    );
    reader.browser.press("Enter");
    reader.wait_for(&format!("{rows} === {before}"));

    reader.take("button:last-of-type");
    reader.browser.press("Enter");
    reader.wait_for("F.querySelector('.lost') !== null");
    let refused = "Number(F.querySelector('tbody').rows[4].cells[3].textContent)";
    assert!(reader.evaluate(refused).as_i64() > Some(0));
    assert_eq!(reader.browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_reader_who_wants_less_motion_goes_from_event_to_event() {
    let Some(mut reader) = open() else {
        return;
    };
    reader.browser.show_as("screen", true);
    reader.go();
    reader.guess();
    reader.let_time_pass();
    assert_eq!(
        reader.evaluate("!F.isPlaying && F.at === F.events[0].at"),
        json!(true)
    );
    reader.focus(".controls button");
    reader.browser.press("Enter");
    reader.wait_for("F.at === F.events[1].at");
}

#[test]
fn the_picture_and_its_figures_stand_alone_without_a_script_and_in_print() {
    let Some(mut reader) = open() else {
        return;
    };
    let is_shown = "['svg', 'table'].every(part => F.querySelector(part).getBoundingClientRect().width > 250) \
        && F.closest('figure').querySelector('.because').getBoundingClientRect().width > 250";
    // Paper gives the answer, too: nobody can guess on it.
    reader.wait_for(&format!("{IS_LOADED} && F.classList.contains('asks')"));
    reader.browser.show_as("print", false);
    assert_eq!(reader.evaluate(is_shown), json!(true));
    let hidden = "['.controls', '.answers', '.cover'].every(part => getComputedStyle(F.querySelector(part)).display === 'none')";
    assert_eq!(reader.evaluate(hidden), json!(true));

    reader.browser.show_as("screen", false);
    reader.browser.allow_scripts(false);
    reader.browser.resize(390);
    reader.go();
    assert_eq!(reader.evaluate(is_shown), json!(true));
    let added =
        reader.evaluate("F.querySelectorAll('.controls, .answers, .settings, .cover').length");
    assert_eq!(added, json!(0));
    let letters = "parseFloat(getComputedStyle(F.querySelector('text')).fontSize) * F.querySelector('svg').getBoundingClientRect().width / 560";
    let letters = reader.evaluate(letters).as_f64().unwrap();
    assert!(letters >= 10.5, "{letters} pixels are too small to be read");
}
