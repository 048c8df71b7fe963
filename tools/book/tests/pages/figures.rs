//! Figures that play.

use serde_json::json;

use crate::reader::Reader;

/// A page that has one.
const PAGE: &str = "step-1-memory.html";

fn open() -> Option<Reader> {
    Reader::open(PAGE, "seen-experiment")
}

#[test]
fn a_figure_plays_and_pauses_by_keyboard_and_out_of_sight() {
    let Some(mut reader) = open() else {
        return;
    };
    reader.focus("button");
    assert_eq!(reader.evaluate("F.at === F.duration"), json!(true));
    reader.browser.press(" ");
    reader.wait_for("F.isPlaying && F.at > 200 && F.at < F.duration");
    reader.browser.press(" ");
    reader.wait_for("!F.isPlaying");
    let stopped = reader.evaluate("F.at");
    reader.let_time_pass();
    assert_eq!(reader.evaluate("F.at"), stopped);

    reader.browser.press("Enter");
    reader.wait_for("F.isPlaying");
    reader.evaluate("scrollTo(0, 0)");
    reader.wait_for("!F.isInSight");
    let hidden = reader.evaluate("F.at");
    reader.let_time_pass();
    assert_eq!(reader.evaluate("F.at"), hidden);
    reader.focus("button");
    reader.wait_for(&format!("F.at > {hidden}"));
    assert_eq!(reader.browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_figure_compares_the_steps_at_any_moment() {
    let Some(mut reader) = open() else {
        return;
    };
    let answered = "[...F.querySelectorAll('tbody tr:first-child td')].map(cell => cell.textContent).join(' ')";
    let cover = "getComputedStyle(F.querySelector('.cover')).display";
    reader.focus("input");
    reader.browser.press("Home");
    reader.wait_for("F.at === 0");
    assert_eq!(reader.evaluate(answered), json!("0 0"));
    assert_eq!(reader.evaluate(cover), json!("inline"));
    reader.browser.press("ArrowRight");
    reader.wait_for("F.at === 100");
    reader.browser.press("End");
    reader.wait_for("F.at === F.duration");
    let all = "F.recording.columns.map(column => column.ledger.answered).join(' ')";
    let all = reader.evaluate(all);
    assert_eq!(reader.evaluate(answered), all);
    assert_eq!(reader.evaluate(cover), json!("none"));
    // On the button, too, the arrows move the moment, and do not leaf to another chapter.
    reader.evaluate("F.querySelector('button').focus()");
    reader.browser.press("ArrowLeft");
    reader.wait_for("F.at === F.duration - 100");
    let place = reader.evaluate("location.pathname");
    assert!(place.as_str().unwrap().ends_with(PAGE), "{place}");
}

#[test]
fn a_figure_does_not_move_by_itself_for_who_wants_less_motion() {
    let Some(mut reader) = open() else {
        return;
    };
    reader.browser.show_as("screen", true);
    reader.go();
    reader.focus("button");
    let name = reader.evaluate("F.querySelector('button').textContent");
    assert_eq!(name, json!("Next"));
    reader.browser.press("Enter");
    reader.wait_for("F.at === 0");
    reader.browser.press("Enter");
    reader.wait_for("F.at === F.events[0].at");
    reader.let_time_pass();
    assert_eq!(reader.evaluate("F.at === F.events[0].at"), json!(true));
}

#[test]
fn the_picture_stands_alone_without_a_script_and_in_print() {
    let Some(mut reader) = open() else {
        return;
    };
    let is_shown = "F.querySelector('svg').getBoundingClientRect().width > 300";
    reader.focus("input");
    reader.browser.press("Home");
    reader.browser.show_as("print", false);
    let hidden = "['.controls', '.cover', 'table'].every(part => getComputedStyle(F.querySelector(part)).display === 'none')";
    assert_eq!(reader.evaluate(hidden), json!(true));
    assert_eq!(reader.evaluate(is_shown), json!(true));

    reader.browser.show_as("screen", false);
    reader.browser.allow_scripts(false);
    reader.browser.resize(390);
    reader.go();
    assert_eq!(reader.evaluate(is_shown), json!(true));
    let added = reader.evaluate("F.querySelectorAll('.controls, .cover, table').length");
    assert_eq!(added, json!(0));
    let letters = "parseFloat(getComputedStyle(F.querySelector('text')).fontSize) * F.querySelector('svg').getBoundingClientRect().width / 560";
    let letters = reader.evaluate(letters).as_f64().unwrap();
    assert!(letters >= 10.5, "{letters} pixels are too small to be read");
}
