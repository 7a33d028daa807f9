//! Marks names inside sentences, so that a name cannot be read as words of the page.
//!
//! A name may be any text, for example "Bob left; Ada" or a name in a right-to-left script. `isolate_name` puts
//! Unicode's isolate characters around a name (TR 9, 2.4). `parts` splits a sentence at them, and the page renders each
//! name as an element.

const BEGIN: char = '\u{2068}';
const END: char = '\u{2069}';

/// A part of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Words of the page.
    Words(&'a str),
    /// A name or another text that people chose.
    Name(&'a str),
}

/// Marks a name for use in a sentence.
pub fn isolate_name(name: &str) -> String {
    // Isolate characters within the name are removed, as the page would take them for the end of the name.
    let kept = name.chars().filter(|c| !matches!(*c, BEGIN | END));
    [BEGIN].into_iter().chain(kept).chain([END]).collect()
}

/// Splits a sentence into words and names.
pub fn parts(sentence: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for (at, piece) in sentence.split(BEGIN).enumerate() {
        let (name, words) = if at == 0 { ("", piece) } else { piece.split_once(END).unwrap_or((piece, "")) };
        if !name.is_empty() {
            parts.push(Part::Name(name));
        }
        if !words.is_empty() {
            parts.push(Part::Words(words));
        }
    }
    parts
}

/// Removes the marks from a sentence, for screen readers.
pub fn strip_isolates(sentence: &str) -> String {
    sentence.replace([BEGIN, END], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_taken_apart_at_its_names_whatever_they_are() {
        let sentence = |name: &str| format!("You and {} joined", isolate_name(name));
        for name in ["Ada", "Bob left; Ada", "You", "דנה"] {
            let expected = [Part::Words("You and "), Part::Name(name), Part::Words(" joined")];
            assert_eq!(parts(&sentence(name)), expected);
            assert_eq!(strip_isolates(&sentence(name)), format!("You and {name} joined"));
        }
        let sly = sentence("Ada\u{2069} left; \u{2068}Bob");
        assert_eq!(parts(&sly)[1], Part::Name("Ada left; Bob"));
        assert_eq!(parts(&isolate_name("Ada")), [Part::Name("Ada")]);
        assert_eq!(parts("You left"), [Part::Words("You left")]);
    }
}
