//! Texts with holes: `{name}` in a text is a placeholder for a name.

/// Fills the holes of a text by name. An inserted value is not searched for holes, so braces in a nickname stay as they
/// are.
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

/// Splits a text at its hole. Returns the parts before and after it.
pub fn around(text: &str) -> (&str, &str) {
    split(text).map_or((text, ""), |(before, _, after)| (before, after))
}

/// The names of the holes of a text, in their order.
pub fn holes(text: &str) -> Vec<&str> {
    std::iter::successors(split(text), |(_, _, after)| split(after)).map(|(_, hole, _)| hole).collect()
}

/// Splits a text at its first hole: the part before, the hole's name, and the part after.
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
