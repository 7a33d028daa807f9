//! Names within sentences. A name may be any text, also one like "Bob left; Ada" or one that is read from right to left, so
//! a sentence marks where each begins and ends, with the isolates of Unicode (TR 9, 2.4). The page shows what is between
//! them as a name, in an element of its own.

const BEGIN: char = '\u{2068}';
const END: char = '\u{2069}';

/// A piece of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The words of the page.
    Words(&'a str),
    /// What somebody calls themselves, or a room.
    Name(&'a str),
}

/// A name, to stand in a sentence.
pub fn isolated(name: &str) -> String {
    // An isolate in the name itself would end it for the page.
    let kept = name.chars().filter(|c| !matches!(*c, BEGIN | END));
    [BEGIN].into_iter().chain(kept).chain([END]).collect()
}

/// The pieces of a sentence.
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

/// A sentence without its marks, to be read aloud.
pub fn plain(sentence: &str) -> String {
    sentence.replace([BEGIN, END], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_taken_apart_at_its_names_whatever_they_are() {
        let sentence = |name: &str| format!("You and {} joined", isolated(name));
        for name in ["Ada", "Bob left; Ada", "You", "דנה"] {
            let expected = [Part::Words("You and "), Part::Name(name), Part::Words(" joined")];
            assert_eq!(parts(&sentence(name)), expected);
            assert_eq!(plain(&sentence(name)), format!("You and {name} joined"));
        }
        let sly = sentence("Ada\u{2069} left; \u{2068}Bob");
        assert_eq!(parts(&sly)[1], Part::Name("Ada left; Bob"));
        assert_eq!(parts(&isolated("Ada")), [Part::Name("Ada")]);
        assert_eq!(parts("You left"), [Part::Words("You left")]);
    }
}
