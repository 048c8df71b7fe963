//! The dictionary, and how often each command was called.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::STORE_BYTES_MAX;

/// How many bytes an entry costs besides its key and its value.
const ENTRY_BYTES: usize = 100;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Store {
    entries: HashMap<Vec<u8>, Vec<u8>>,
    /// What the entries occupy together.
    bytes: usize,
    /// How often each command was called.
    pub(super) calls: BTreeMap<String, u64>,
    pub(super) started: Instant,
}

impl Store {
    pub(super) fn new() -> Store {
        Store {
            entries: HashMap::new(),
            bytes: 0,
            calls: BTreeMap::new(),
            started: Instant::now(),
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(Vec::as_slice)
    }

    /// Stores a value, or says in the words of Redis that there is no room.
    pub(super) fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let freed = self.get(key).map_or(0, |old| size(key, old));
        let bytes = self.bytes - freed + size(key, value);
        if bytes > STORE_BYTES_MAX {
            return Err("OOM command not allowed when used memory > 'maxmemory'.".to_owned());
        }
        self.bytes = bytes;
        self.entries.insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    /// Removes a key and says whether it was there.
    pub(super) fn remove(&mut self, key: &[u8]) -> bool {
        let value = self.entries.remove(key);
        self.bytes -= value.as_ref().map_or(0, |value| size(key, value));
        value.is_some()
    }

    pub(super) fn clear(&mut self) {
        self.entries = HashMap::new();
        self.bytes = 0;
    }
}

fn size(key: &[u8], value: &[u8]) -> usize {
    ENTRY_BYTES + key.len() + value.len()
}
