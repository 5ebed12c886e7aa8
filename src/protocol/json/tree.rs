//! Building the tree in the one pass of the parser: NUL replaced, depth capped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{DEPTH_MAX, TOO_DEEP, without_nul};

/// A value that stands `depth` levels below the root.
#[derive(Clone, Copy)]
pub(super) struct Branch {
    pub(super) depth: usize,
}

impl Branch {
    fn below(self) -> Self {
        Self { depth: self.depth + 1 }
    }

    fn is_too_deep(self) -> bool {
        self.depth >= DEPTH_MAX
    }
}

impl<'de> DeserializeSeed<'de> for Branch {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Branch {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(without_nul(value).into_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        if self.is_too_deep() {
            // `IgnoredAny` skips without recursion, however deep the rest is.
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::String(TOO_DEEP.to_owned()));
        }
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below())? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        if self.is_too_deep() {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::String(TOO_DEEP.to_owned()));
        }
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let key = if key.as_bytes().contains(&0) { without_nul(&key).into_owned() } else { key };
            map.insert(key, entries.next_value_seed(self.below())?);
        }
        Ok(Value::Object(map))
    }
}
