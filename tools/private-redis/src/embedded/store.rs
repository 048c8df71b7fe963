//! The dictionary, and how often each command was called.

use std::collections::HashMap;
use std::time::Instant;

use super::commands::COMMANDS;
use super::{KEYS_MAX, STORE_BYTES_MAX};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Store {
    entries: HashMap<Vec<u8>, Vec<u8>>,
    /// What keys and values occupy together.
    bytes: usize,
    /// One number for each of [`COMMANDS`].
    pub(super) calls: [u64; COMMANDS.len()],
    pub(super) started: Instant,
}

impl Default for Store {
    fn default() -> Store {
        Store {
            entries: HashMap::new(),
            bytes: 0,
            calls: [0; COMMANDS.len()],
            started: Instant::now(),
        }
    }
}

/// A limit of the store is reached.
#[derive(Debug)]
pub(super) struct Full;

impl Store {
    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(Vec::as_slice)
    }

    pub(super) fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Full> {
        let old = self.entries.get(key);
        let freed = old.map_or(0, |old| key.len() + old.len());
        let bytes = self.bytes - freed + key.len() + value.len();
        if bytes > STORE_BYTES_MAX || (old.is_none() && self.entries.len() == KEYS_MAX) {
            return Err(Full);
        }
        self.bytes = bytes;
        self.entries.insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    /// Removes a key and says whether it was there.
    pub(super) fn remove(&mut self, key: &[u8]) -> bool {
        let value = self.entries.remove(key);
        self.bytes -= value.as_ref().map_or(0, |value| key.len() + value.len());
        value.is_some()
    }

    pub(super) fn clear(&mut self) {
        self.entries = HashMap::new();
        self.bytes = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_keys_is_limited_and_known_keys_still_change() {
        let mut store = Store::default();
        for number in 0..KEYS_MAX {
            store.set(number.to_string().as_bytes(), b"1").unwrap();
        }
        store
            .set(b"one too many", b"1")
            .expect_err("a key beyond the limit was stored");
        store
            .set(b"0", b"2")
            .expect("a key that is there can change");
        assert!(store.remove(b"1"));
        store
            .set(b"one too many", b"1")
            .expect("there is room again");
    }

    #[test]
    fn the_bytes_of_keys_and_values_are_limited_and_counted_down_again() {
        let mut store = Store::default();
        let half = vec![b'x'; STORE_BYTES_MAX / 2];
        store.set(b"a", &half).unwrap();
        store
            .set(b"b", &half)
            .expect_err("both halves and their keys do not fit");
        store
            .set(b"a", &half)
            .expect("a value can be replaced by one of its size");
        store.set(b"a", b"").unwrap();
        store.set(b"b", &half).expect("there is room again");
        store.remove(b"a");
        store.remove(b"b");
        assert_eq!(store.bytes, 0, "something was not counted down");
        store.set(b"a", &half).unwrap();
        store.clear();
        assert_eq!((store.bytes, store.len()), (0, 0));
    }
}
