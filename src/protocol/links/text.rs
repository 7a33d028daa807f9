//! The text that is searched for links, read one character at a time.

/// The text that is searched. In tests it counts how often a character is read.
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    #[cfg(test)]
    pub(super) looked: std::cell::Cell<usize>,
}

impl<'a> Text<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            #[cfg(test)]
            looked: std::cell::Cell::new(0),
        }
    }

    /// The character that begins at byte `at`.
    pub(super) fn at(&self, at: usize) -> Option<char> {
        #[cfg(test)]
        self.looked.set(self.looked.get() + 1);
        self.text.get(at..)?.chars().next()
    }

    /// The character that ends right before byte `at`, if it begins at byte `from` or later.
    pub(super) fn before(&self, at: usize, from: usize) -> Option<char> {
        #[cfg(test)]
        self.looked.set(self.looked.get() + 1);
        self.text.get(from..at)?.chars().next_back()
    }

    /// Whether the text between `from` and `at` ends with these ASCII characters, in upper or lower case.
    pub(super) fn ends_with(&self, at: usize, from: usize, what: &str) -> bool {
        let start = at.checked_sub(what.len()).filter(|start| *start >= from);
        start.and_then(|start| self.text.get(start..at)).is_some_and(|text| text.eq_ignore_ascii_case(what))
    }
}
