//! Single keys, as they are pressed.

use std::{
    io::{self, IsTerminal, Read},
    sync::mpsc::{self, Receiver},
    thread,
};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};

/// The keys that are pressed, for as long as this lives. Where nobody types, what is in the pipe counts.
pub struct Keys {
    pressed: Receiver<u8>,
    /// How the terminal was before.
    before: Option<Termios>,
}

impl Keys {
    /// From now on the terminal hands over each key at once and does not show it.
    pub fn new() -> Self {
        let before = io::stdin().is_terminal().then(immediate).flatten();
        let (sender, pressed) = mpsc::channel();
        thread::spawn(move || {
            let keys = io::stdin().lock().bytes().map_while(Result::ok);
            keys.take_while(|key| sender.send(*key).is_ok())
                .for_each(drop);
        });
        Self { pressed, before }
    }

    /// The next key that was pressed, if one was.
    pub fn next(&self) -> Option<u8> {
        self.pressed.try_recv().ok()
    }
}

/// Ctrl-C stays what it is.
fn immediate() -> Option<Termios> {
    let before = termios::tcgetattr(io::stdin()).ok()?;
    let mut now = before.clone();
    now.local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO);
    termios::tcsetattr(io::stdin(), OptionalActions::Now, &now).ok()?;
    Some(before)
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that has gone needs nothing any more.
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
