//! What a page calls: numbers go in, and text comes out, byte by byte. So no memory is shared, and nothing is
//! asked of the page.

// A name that a page can call has to be kept as it is written. That is called unsafe because two functions of
// one name would be one; these are the only ones.
#![allow(unsafe_code)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::figures::{FIGURES, Measured};

/// The numbers that came in, and the text that goes out.
struct Desk {
    numbers: Vec<f64>,
    text: Vec<u8>,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    numbers: Vec::new(),
    text: Vec::new(),
});

fn desk() -> MutexGuard<'static, Desk> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the next number: first those of what was measured, then the settings.
#[unsafe(no_mangle)]
pub extern "C" fn seen_take(number: f64) {
    desk().numbers.push(number);
}

/// Draws the figure that has this place in [`FIGURES`] with the numbers that came in. Returns how many bytes
/// the text has.
#[unsafe(no_mangle)]
pub extern "C" fn seen_draw(figure: u32) -> u32 {
    let mut desk = desk();
    let numbers = std::mem::take(&mut desk.numbers);
    let (measured, settings) = numbers.split_at(Measured::LEN.min(numbers.len()));
    let drawn = FIGURES.get(figure as usize).map(|figure| {
        let measured = Measured::from_numbers(measured);
        figure.draw(&measured, settings).json()
    });
    desk.text = drawn.unwrap_or_default().into_bytes();
    u32::try_from(desk.text.len()).unwrap_or(u32::MAX)
}

/// A byte of the text.
#[unsafe(no_mangle)]
pub extern "C" fn seen_byte(place: u32) -> u32 {
    desk().text.get(place as usize).copied().unwrap_or(0).into()
}
