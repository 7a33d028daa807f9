//! Enums that later versions extend: frames, signals, kinds of events, and reasons.
//!
//! On the wire a value of such an enum is an object with one key, the name of its variant (serde's external tagging).
//! So the derived code reads the fields right from the text. The derived code alone refuses a name that it does not
//! know. Here such a name becomes the last variant, which has to be called `Other`:
//!
//! - as a unit variant it drops the content;
//! - as a tuple variant it takes two values, the name and an [`Unread`] content.
//!
//! An enum that uses this derives serde's traits with `remote = "Self"`, and implements them by a call of the derived
//! functions: `Self::deserialize(Open(deserializer))`. Enums of bare words use `#[serde(other)]` instead.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        DeserializeSeed, EnumAccess, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor,
        value::{StrDeserializer, U32Deserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A deserializer for an enum whose last variant stands for all names that this version does not know.
pub(super) struct Open<D>(pub D);

/// [`Open`] for an enum that also has variants without fields, which are bare strings on the wire.
pub(super) struct OpenOrBare<D>(pub D);

macro_rules! deserializes_enums {
    ($($name:ident by $method:ident;)*) => { $(
        impl<'de, D: Deserializer<'de>> Deserializer<'de> for $name<D> {
            type Error = D::Error;

            fn deserialize_enum<V: Visitor<'de>>(
                self,
                _: &'static str,
                names: &'static [&'static str],
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                self.0.$method(OneKey { names, visitor })
            }

            fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
                Err(D::Error::custom("only an enum can be read here"))
            }

            forward_to_deserialize_any! {
                bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
                newtype_struct seq tuple tuple_struct map struct identifier ignored_any
            }
        }
    )* };
}

deserializes_enums! {
    Open by deserialize_map;
    OpenOrBare by deserialize_any;
}

/// The index of a variant: of the one with this name, or of the last one.
fn index_of(name: &str, names: &[&str]) -> (u32, bool) {
    let last = names.len().saturating_sub(1);
    let known = names.iter().take(last).position(|known| *known == name);
    (u32::try_from(known.unwrap_or(last)).unwrap_or(u32::MAX), known.is_some())
}

/// Reads the object, and passes its key and value on to the visitor of an enum.
struct OneKey<V> {
    names: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for OneKey<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let Some((index, unknown)) = map.next_key_seed(Name(self.names))? else {
            return Err(A::Error::invalid_value(Unexpected::Map, &self));
        };
        self.visitor.visit_enum(Entry { index, unknown, map })
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        let (index, _) = index_of(name, self.names);
        self.visitor.visit_enum(IntoDeserializer::<E>::into_deserializer(index))
    }
}

/// Reads a key. Returns the index of its variant, and the name itself if it is not known.
struct Name(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = (u32, Option<Box<str>>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = (u32, Option<Box<str>>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let (index, is_known) = index_of(name, self.0);
        Ok((index, (!is_known).then(|| name.into())))
    }
}

/// The object's only entry, as an enum: the key is read, the value is not.
struct Entry<A> {
    index: u32,
    unknown: Option<Box<str>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Entry<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), A::Error> {
        let index: U32Deserializer<A::Error> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Entry<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        self.map.next_value::<IgnoredAny>().map(drop)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }

    fn struct_variant<V: Visitor<'de>>(mut self, _: &'static [&'static str], visitor: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(Fields(visitor))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(NameAndContent { name: self.unknown, map: self.map })
    }
}

/// Reads the fields of a variant from an object. Derived visitors accept an array too, and this never asks for one.
struct Fields<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Fields<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self.0)
    }
}

/// An unknown name and its content, as the two values of a tuple variant.
struct NameAndContent<A> {
    name: Option<Box<str>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> SeqAccess<'de> for NameAndContent<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        match self.name.take() {
            Some(name) => {
                let name: StrDeserializer<'_, A::Error> = (*name).into_deserializer();
                seed.deserialize(name).map(Some)
            }
            None => self.map.next_value_seed(seed).map(Some),
        }
    }
}

/// JSON that this version does not understand. The server stores it and sends it as it came.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Unread(Box<RawValue>);

impl Unread {
    /// The JSON.
    pub fn json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Unread {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl Eq for Unread {}
