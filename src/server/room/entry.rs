//! Entries: events together with their JSON. An event is encoded once; every frame, packet and snapshot reuses the
//! text.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    protocol::{Event, MemberId, Reaction, RoomCode},
    server::socket::Frame,
};

/// An event of the log and its JSON, as every client is sent it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub event: Event,
    json: Box<RawValue>,
}

fn encoded(event: &Event) -> Box<RawValue> {
    to_raw_value(event).expect("events have string keys and no failing serializers")
}

/// The event with what a client with these member ids is sent of its reactions. `None` if that is all of it.
fn cut(event: &Event, reader: &[MemberId]) -> Option<Event> {
    let is_more = |reaction: &Reaction| reaction.more.iter().any(|member| !reader.contains(member));
    event.message()?.reactions.iter().any(is_more).then(|| {
        let mut event = event.clone();
        event.cut_for(reader);
        event
    })
}

impl Entry {
    /// Encodes an event.
    pub fn of(event: Event) -> Self {
        let json = encoded(cut(&event, &[]).as_ref().unwrap_or(&event));
        Self { event, json }
    }

    /// The entry for one client: it is sent its own reactions, also where it is sent no others of many.
    pub fn for_reader(&self, reader: &[MemberId]) -> Cow<'_, Self> {
        let is_one = |reaction: &Reaction| reaction.more.iter().any(|member| reader.contains(member));
        match self.event.message() {
            Some(message) if message.reactions.iter().any(is_one) => {
                let event = cut(&self.event, reader).unwrap_or_else(|| self.event.clone());
                let json = encoded(&event);
                Cow::Owned(Self { event, json })
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// Length of the JSON in bytes.
    pub fn bytes(&self) -> usize {
        self.json.get().len()
    }

    /// The `event` frame for subscribers: the room's code, and the event as it is encoded.
    pub fn frame(&self, code: RoomCode) -> Frame {
        Frame::text([r#"{"event":{"code":""#, code.as_str(), r#"","event":"#, self.json.get(), "}}"].concat())
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let event = serde_json::from_str(json.get()).map_err(D::Error::custom)?;
        Ok(Self { event, json })
    }
}
