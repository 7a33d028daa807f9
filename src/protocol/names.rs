//! Generated nicknames, such as "Quiet Otter", for people who give no name.

use super::Nickname;

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

/// The pair for a number, such as "Quiet Otter". The server draws the number at random.
pub fn friendly_name(pick: u32) -> Nickname {
    let pick = pick as usize;
    let adjective = ADJECTIVES[pick % ADJECTIVES.len()];
    let animal = ANIMALS[pick / ADJECTIVES.len() % ANIMALS.len()];
    Nickname::try_from(format!("{adjective} {animal}")).expect("both words are short")
}
