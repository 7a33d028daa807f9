//! Generated nicknames, such as "Quiet Otter", for people who give no name. Each language has its own words.

use super::{Language, Nickname};

const ADJECTIVES: [&str; 48] = [
    "Amber", "Bold", "Brave", "Breezy", "Bright", "Calm", "Candid", "Cheerful", "Clever", "Cosmic", "Curious",
    "Dapper", "Eager", "Early", "Fluent", "Gentle", "Golden", "Happy", "Honest", "Humble", "Jolly", "Keen", "Kind",
    "Lively", "Lucky", "Mellow", "Merry", "Mighty", "Nimble", "Noble", "Patient", "Polite", "Proud", "Quick", "Quiet",
    "Ready", "Rosy", "Serene", "Silver", "Sleepy", "Snug", "Sunny", "Swift", "Tidy", "Velvet", "Warm", "Witty",
    "Zesty",
];

const ANIMALS: [&str; 48] = [
    "Badger", "Beaver", "Bison", "Cat", "Crane", "Deer", "Dolphin", "Dove", "Eagle", "Falcon", "Ferret", "Finch",
    "Fox", "Gecko", "Goose", "Hare", "Hedgehog", "Heron", "Ibis", "Jay", "Kestrel", "Koala", "Lark", "Lemur", "Lynx",
    "Magpie", "Marten", "Mole", "Moose", "Newt", "Ocelot", "Orca", "Otter", "Owl", "Panda", "Penguin", "Puffin",
    "Quail", "Rabbit", "Raven", "Robin", "Seal", "Swan", "Tapir", "Toucan", "Turtle", "Walrus", "Wren",
];

/// German adjectives without their ending, which depends on the animal's gender. The stem of each takes every ending
/// unchanged. No word is an insult or a flirt together with any of the animals.
const GERMAN_STEMS: [&str; 48] = [
    "Achtsam",
    "Aufgeweckt",
    "Besonnen",
    "Bunt",
    "Ehrlich",
    "Eifrig",
    "Emsig",
    "Fleißig",
    "Flink",
    "Freundlich",
    "Fröhlich",
    "Geduldig",
    "Gelassen",
    "Gemütlich",
    "Geschickt",
    "Gewitzt",
    "Golden",
    "Gütig",
    "Heiter",
    "Herzlich",
    "Hilfsbereit",
    "Höflich",
    "Keck",
    "Klug",
    "Kühn",
    "Lebhaft",
    "Leis",
    "Lustig",
    "Mild",
    "Munter",
    "Mutig",
    "Neugierig",
    "Pfiffig",
    "Quirlig",
    "Ruhig",
    "Sanft",
    "Schlau",
    "Silbern",
    "Sonnig",
    "Stolz",
    "Tapfer",
    "Treu",
    "Vergnügt",
    "Verträumt",
    "Wach",
    "Wendig",
    "Witzig",
    "Zufrieden",
];

/// German animals of each gender, with the ending of an adjective without an article before them.
const GERMAN_ANIMALS: [(&str, &[&str]); 3] = [
    (
        "er",
        &[
            "Adler", "Bär", "Biber", "Dachs", "Delfin", "Elch", "Falke", "Fink", "Fuchs", "Igel", "Koala", "Kranich",
            "Luchs", "Marder", "Otter", "Panda", "Papagei", "Pinguin", "Rabe", "Schwan", "Storch", "Tapir", "Tukan",
            "Uhu",
        ],
    ),
    (
        "e",
        &[
            "Amsel",
            "Drossel",
            "Eule",
            "Gazelle",
            "Katze",
            "Lerche",
            "Libelle",
            "Möwe",
            "Nachtigall",
            "Robbe",
            "Schildkröte",
            "Schwalbe",
        ],
    ),
    (
        "es",
        &[
            "Alpaka",
            "Eichhörnchen",
            "Erdmännchen",
            "Frettchen",
            "Känguru",
            "Murmeltier",
            "Okapi",
            "Reh",
            "Rentier",
            "Rotkehlchen",
            "Wiesel",
            "Zebra",
        ],
    ),
];

/// The pair for a number in this language, such as "Quiet Otter" or "Mutiger Otter". The server draws the number at
/// random.
pub fn friendly_name(language: Language, pick: u32) -> Nickname {
    let pick = pick as usize;
    let name = match language {
        Language::English => {
            let (adjective, animal) = pair(pick, ADJECTIVES.len(), ANIMALS.len());
            format!("{} {}", ADJECTIVES[adjective], ANIMALS[animal])
        }
        Language::German => {
            let animals =
                || GERMAN_ANIMALS.iter().flat_map(|(ending, animals)| animals.iter().map(move |a| (ending, a)));
            let (stem, animal) = pair(pick, GERMAN_STEMS.len(), animals().count());
            let (ending, animal) = animals().nth(animal).expect("the number is below the count");
            format!("{}{ending} {animal}", GERMAN_STEMS[stem])
        }
    };
    Nickname::try_from(name).expect("both words are short")
}

/// The places of the pair for a number in two lists of these lengths. As many successive numbers as there are pairs
/// give each pair once.
fn pair(pick: usize, firsts: usize, seconds: usize) -> (usize, usize) {
    (pick % firsts, pick / firsts % seconds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_language_has_as_many_pairs_and_no_pair_twice() {
        for &language in Language::ALL {
            let names: BTreeSet<_> = (0..48 * 48).map(|pick| friendly_name(language, pick).to_string()).collect();
            assert_eq!(names.len(), 48 * 48, "{language:?}");
            assert_eq!(friendly_name(language, 48 * 48), friendly_name(language, 0), "{language:?}");
            let _ = friendly_name(language, u32::MAX);
        }
    }

    #[test]
    fn a_german_adjective_has_the_ending_of_its_animal() {
        let names: BTreeSet<_> = (0..48 * 48).map(|pick| friendly_name(Language::German, pick).to_string()).collect();
        for name in ["Mutiger Otter", "Mutige Eule", "Mutiges Reh", "Tapferer Igel", "Leise Möwe", "Goldenes Wiesel"] {
            assert!(names.contains(name), "{name}");
        }
    }
}
