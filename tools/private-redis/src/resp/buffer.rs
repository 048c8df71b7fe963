//! Bytes that have arrived and are not yet understood.

/// A queue of bytes from which whole lines and whole blocks are taken.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    /// Everything before this is taken.
    start: usize,
    /// From `start` up to here there is no line feed. Without it, a line that arrives byte by byte
    /// would be searched from its beginning for every byte.
    searched: usize,
}

impl Buffer {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        // What is taken is let go of here, and so once a read and not once a line.
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// The first byte that waits.
    pub(super) fn first(&self) -> Option<u8> {
        self.bytes.get(self.start).copied()
    }

    /// Takes a line: everything up to the next line feed, which is not part of it. A carriage
    /// return at its end is.
    pub(super) fn take_line(&mut self) -> Option<&[u8]> {
        match self.bytes[self.searched..]
            .iter()
            .position(|&byte| byte == b'\n')
        {
            None => {
                self.searched = self.bytes.len();
                None
            }
            Some(offset) => {
                let line = self.start..self.searched + offset;
                self.start = line.end + 1;
                self.searched = self.start;
                Some(&self.bytes[line])
            }
        }
    }

    /// Takes exactly `count` bytes, once there are so many.
    pub(super) fn take(&mut self, count: usize) -> Option<&[u8]> {
        let block = self.start..self.start.checked_add(count)?;
        let bytes = self.bytes.get(block.clone())?;
        self.start = block.end;
        self.searched = self.searched.max(self.start);
        Some(bytes)
    }
}
