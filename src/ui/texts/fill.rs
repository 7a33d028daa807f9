//! Texts with holes: `{name}` in a text is the place of a name.

/// A text with its holes filled. What is filled in is not looked at again: braces in a name are just braces.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, hole, after)) = split(rest) {
        filled.push_str(before);
        if let Some((_, value)) = values.iter().find(|(name, _)| *name == hole) {
            filled.push_str(value);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// What stands before the hole of a text, and what after it.
pub fn around(text: &str) -> (&str, &str) {
    split(text).map_or((text, ""), |(before, _, after)| (before, after))
}

/// The holes of a text, in their order.
pub fn holes(text: &str) -> Vec<&str> {
    std::iter::successors(split(text), |(_, _, after)| split(after)).map(|(_, hole, _)| hole).collect()
}

/// The first hole of a text, with what stands before and after it.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (hole, after) = rest.split_once('}')?;
    Some((before, hole, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_by_name_and_what_fills_them_is_left_alone() {
        let values = [("by", "{name}"), ("name", "Ada")];
        assert_eq!(fill("{by} removed {name}.", &values), "{name} removed Ada.");
        assert_eq!(fill("{name}, von {by}", &values), "Ada, von {name}");
        assert_eq!(fill("No holes", &values), "No holes");
    }

    #[test]
    fn a_text_is_taken_apart_at_its_hole() {
        assert_eq!(around("You are in {room}."), ("You are in ", "."));
        assert_eq!(holes("{a} and {b}"), ["a", "b"]);
    }
}
