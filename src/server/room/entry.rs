//! Entries: events together with their JSON. An event is encoded once; every frame, packet and snapshot reuses the
//! text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    protocol::{Event, RoomCode},
    server::socket::Frame,
};

/// An event of the log and its JSON.
#[derive(Clone, Debug)]
pub struct Entry {
    pub event: Event,
    json: Box<RawValue>,
}

impl Entry {
    /// Encodes an event.
    pub fn of(event: Event) -> Self {
        let json = to_raw_value(&event).expect("events have string keys and no failing serializers");
        Self { event, json }
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
