//! The stored form of an event's kind: its name beside its fields, `{"kind": "joined", "member": {…}}`. On the wire the
//! name is the key of the fields, `{"joined": {"member": {…}}}`.
//!
//! Stores keep the stored form, because queries of MongoDB look into it: `kind.member.id` finds a member in every kind.
//! A kind that this version does not know is converted as well, and no field of it is lost. So the fields of a kind are
//! always an object, and none of them is called `kind`.
//!
//! Tails have events in the form of the wire. [`event_of_tail`] also reads those of earlier versions, whose fields were
//! all beside each other.

use serde::{de, ser};
use serde_json::{Error, Map, Value};

use crate::protocol::{Event, EventKind};

/// The field with the name of the kind.
const NAME: &str = "kind";

/// Writes a kind in the stored form. The fields stay as they are, byte for byte.
pub(super) fn to_text(kind: &EventKind) -> Result<String, Error> {
    let wire = serde_json::to_string(kind)?;
    let parts = wire.strip_prefix("{\"").and_then(|rest| rest.strip_suffix("}}")?.split_once("\":{"));
    let (name, fields) = parts.ok_or_else(|| <Error as ser::Error>::custom("the fields are no object"))?;
    let comma = if fields.is_empty() { "" } else { "," };
    Ok(format!(r#"{{"{NAME}":"{name}"{comma}{fields}}}"#))
}

/// Reads a kind in the stored form.
pub(super) fn from_text(stored: &str) -> Result<EventKind, Error> {
    match stored.strip_prefix(r#"{"kind":""#).and_then(|rest| rest.split_once('"')) {
        Some((name, rest)) => {
            let fields = rest.strip_prefix(',').unwrap_or(rest);
            serde_json::from_str(&format!(r#"{{"{name}":{{{fields}}}"#))
        }
        None => from_value(serde_json::from_str(stored)?),
    }
}

/// Writes a kind in the stored form, as a value.
pub(super) fn to_value(kind: &EventKind) -> Result<Value, Error> {
    if let Value::Object(wire) = serde_json::to_value(kind)?
        && let Some((name, Value::Object(mut fields))) = wire.into_iter().next()
    {
        fields.insert(NAME.to_owned(), name.into());
        return Ok(fields.into());
    }
    Err(<Error as ser::Error>::custom("the fields are no object"))
}

/// Reads a kind in the stored form from a value.
pub(super) fn from_value(stored: Value) -> Result<EventKind, Error> {
    match stored {
        Value::Object(fields) => from_fields(fields),
        _ => Err(<Error as de::Error>::custom("a kind is an object")),
    }
}

fn from_fields(mut fields: Map<String, Value>) -> Result<EventKind, Error> {
    let Some(Value::String(name)) = fields.remove(NAME) else {
        return Err(<Error as de::Error>::missing_field(NAME));
    };
    serde_json::from_value(Value::Object([(name, fields.into())].into_iter().collect()))
}

/// Reads an event of a tail, written by this version or by an earlier one.
///
/// # Errors
///
/// If the text is no event of either form.
pub fn event_of_tail(json: &str) -> Result<Event, Error> {
    serde_json::from_str(json).or_else(|error| match serde_json::from_str(json) {
        Ok(Value::Object(fields)) if fields.get(NAME).is_some_and(Value::is_string) => of_one_level(fields),
        _ => Err(error),
    })
}

/// Reads an event whose fields are all beside each other.
fn of_one_level(mut fields: Map<String, Value>) -> Result<Event, Error> {
    let seq = serde_json::from_value(fields.remove("seq").unwrap_or_default())?;
    let at = serde_json::from_value(fields.remove("at").unwrap_or_default())?;
    Ok(Event { seq, at, kind: from_fields(fields)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind in the form of earlier versions, and one of a later version.
    const STORED: [&str; 16] = [
        r#"{"kind":"joined","member":{"id":7,"name":"Ada \"A\" 👩‍👩‍👧"}}"#,
        r#"{"kind":"left","member":{"id":7,"name":"Ada"}}"#,
        r#"{"kind":"removed","member":{"id":8,"name":"Bob"},"by":{"id":7,"name":"Ada"}}"#,
        r#"{"kind":"message","n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Ada"},"body":"{\"kind\":\"left\"}"}"#,
        r#"{"kind":"renamed","name":"Chess","by":{"id":7,"name":"Ada"}}"#,
        r#"{"kind":"renamed","name":null,"by":{"id":7,"name":"Ada"}}"#,
        r#"{"kind":"retention_changed","preserve":true,"by":{"id":7,"name":"Ada"},"n":3}"#,
        r#"{"kind":"peek_changed","peek":false,"by":{"id":7,"name":"Ada"}}"#,
        r#"{"kind":"owner","member":{"id":8,"name":"Bob"},"why":"inherited"}"#,
        r#"{"kind":"owner","member":{"id":8,"name":"Bob"},"by":{"id":7,"name":"Ada"},"why":"given"}"#,
        r#"{"kind":"message","n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Ada"},"body":"","rev":9,"deleted":{"id":8,"name":"Bob"}}"#,
        r#"{"kind":"edited","target":{"seq":2,"id":"01890a5d-ac96-774b-bcce-b302099a8057"},"author":{"id":7,"name":"Ada"},"body":"I"}"#,
        r#"{"kind":"deleted","target":{"seq":2,"id":"01890a5d-ac96-774b-bcce-b302099a8057"},"n":1,"by":{"id":7,"name":"Ada"}}"#,
        r#"{"kind":"message","n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Ada"},"body":"I","rev":9,"reactions":[{"e":"👍","n":2,"who":[8],"more":[9]}]}"#,
        r#"{"kind":"reacted","changes":[{"target":{"seq":2,"id":"01890a5d-ac96-774b-bcce-b302099a8057"},"e":"👍","on":true,"who":[7,8]}]}"#,
        r#"{"kind":"danced","with":[{"b":1.50,"a":null}],"long":123456789012345678901234567890}"#,
    ];

    #[test]
    fn every_stored_kind_is_read_and_written_as_it_was() {
        for stored in STORED {
            let kind = from_text(stored).unwrap_or_else(|error| panic!("{error}: {stored}"));
            assert_eq!(matches!(kind, EventKind::Other(..)), stored.contains("danced"), "{stored}");
            assert_eq!(to_text(&kind).unwrap(), stored);
        }
        let empty = r#"{"kind":"danced"}"#;
        assert_eq!(to_text(&from_text(empty).unwrap()).unwrap(), empty);
    }

    #[test]
    fn a_stored_kind_is_read_whatever_the_order_of_its_fields() {
        let sorted = r#"{"by": {"name": "Ada", "id": 7}, "kind": "renamed", "name": null}"#;
        assert_eq!(from_text(sorted).unwrap(), from_text(STORED[5]).unwrap());
    }

    #[test]
    fn values_are_converted_as_texts_are() {
        for stored in &STORED[..15] {
            let (kind, value) = (from_text(stored).unwrap(), serde_json::from_str::<Value>(stored).unwrap());
            assert_eq!(to_value(&kind).unwrap(), value);
            assert_eq!(from_value(value).unwrap(), kind);
        }
        let later = serde_json::json!({"kind": "danced", "with": [{"b": 1.5, "a": null}]});
        let kind = from_value(later.clone()).unwrap();
        assert!(matches!(&kind, EventKind::Other(name, _) if &**name == "danced"));
        assert_eq!(to_value(&kind).unwrap(), later);
    }

    #[test]
    fn events_of_a_tail_are_read_in_both_forms() {
        for stored in STORED {
            let kind = from_text(stored).unwrap();
            let earlier = stored.replacen('{', r#"{"seq":5,"at":7,"#, 1);
            let read = event_of_tail(&earlier).unwrap();
            assert_eq!((read.seq, read.at), (5, 7));
            if !matches!(kind, EventKind::Other(..)) {
                assert_eq!(read.kind, kind);
            }
            let event = Event { seq: 5, at: 7, kind };
            assert_eq!(event_of_tail(&serde_json::to_string(&event).unwrap()).unwrap(), event);
        }
        for neither in ["{}", "5", r#"{"seq":5,"kind":"joined"}"#, r#"{"seq":5,"at":7,"kind":{"joined":{}}}"#] {
            assert!(event_of_tail(neither).is_err(), "{neither}");
        }
    }
}
