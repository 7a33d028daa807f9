//! The text that is read. In tests it counts how many bytes are looked at.

use std::ops::Range;

#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn slice(self, range: Range<usize>) -> &'a str {
        count(range.len());
        &self.text[range]
    }

    /// The character that begins at `at`, within a part of the text that ends at `end`.
    pub(super) fn after(self, at: usize, end: usize) -> Option<char> {
        count(1);
        self.text[at..end].chars().next()
    }

    /// The character that ends at `at`, within a part of the text that begins at `start`.
    pub(super) fn before(self, start: usize, at: usize) -> Option<char> {
        count(1);
        self.text[start..at].chars().next_back()
    }

    /// Where one of these characters is next.
    pub(super) fn find_any(self, from: usize, any: &[char]) -> Option<usize> {
        let at = self.text[from..].find(any);
        count(at.unwrap_or(self.text.len() - from));
        at.map(|at| from + at)
    }

    /// Where this text is next.
    pub(super) fn find(self, from: usize, what: &str) -> Option<usize> {
        let at = self.text[from..].find(what);
        count(at.unwrap_or(self.text.len() - from));
        at.map(|at| from + at)
    }

    /// How often the ASCII character at `at` is repeated.
    pub(super) fn run(self, at: usize, end: usize) -> usize {
        let bytes = &self.text.as_bytes()[at..end];
        let run = bytes.iter().take_while(|byte| **byte == bytes[0]).count();
        count(run);
        run
    }
}

#[cfg(test)]
thread_local! {
    static LOOKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
fn count(bytes: usize) {
    LOOKED.with(|looked| looked.set(looked.get() + bytes + 1));
}

#[cfg(not(test))]
fn count(_bytes: usize) {}

/// How many bytes `work` looks at, and one more for each look.
#[cfg(test)]
pub(super) fn looked_at(work: impl FnOnce()) -> usize {
    LOOKED.with(|looked| looked.set(0));
    work();
    LOOKED.with(std::cell::Cell::get)
}
