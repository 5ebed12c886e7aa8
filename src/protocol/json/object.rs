//! Objects that keep the order of their keys.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Json;

/// A field: its key and what stands under it.
pub type Entry<'a> = (Cow<'a, str>, Json<'a>);

/// A JSON object: a list of fields in the order sent, each key once. Looking one up reads the list, which for the few fields that objects
/// have is faster than hashing; nothing looks up as many keys as a client can send.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Object<'a> {
    /// Without fields.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// From fields of which no two have the same key.
    pub(super) fn of_distinct(entries: Vec<Entry<'a>>) -> Self {
        Self { entries }
    }

    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// What stands under a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json<'a>> {
        self.entries.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets a field: in its place where the key is known, at the end otherwise.
    pub fn insert(&mut self, key: impl Into<Cow<'a, str>>, value: Json<'a>) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(known) => *known = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Adds a field whose key is known to be new, for instance because it comes out of another object. Does not look.
    pub fn push(&mut self, key: Cow<'a, str>, value: Json<'a>) {
        self.entries.push((key, value));
    }

    /// Takes a field out.
    pub fn remove(&mut self, key: &str) -> Option<Json<'a>> {
        let place = self.entries.iter().position(|(known, _)| known == key)?;
        Some(self.entries.remove(place).1)
    }

    /// Takes all fields out.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Json<'a>)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The fields in order, the values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json<'a>)> {
        self.entries.iter_mut().map(|(key, value)| (&**key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_ref())
    }

    /// Keeps some of the fields.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Json<'a>) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }

    /// The same with texts of its own.
    pub fn into_owned(self) -> Object<'static> {
        let owned = |(key, value): Entry<'a>| (Cow::Owned(key.into_owned()), value.into_owned());
        Object { entries: self.entries.into_iter().map(owned).collect() }
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = Entry<'a>;
    type IntoIter = std::vec::IntoIter<Entry<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> FromIterator<Entry<'a>> for Object<'a> {
    /// Of equal keys the last value wins, in the place of the first. Takes linear time, whatever the keys.
    fn from_iter<I: IntoIterator<Item = Entry<'a>>>(entries: I) -> Self {
        let entries: Vec<Entry<'a>> = entries.into_iter().collect();
        let mut place_of: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
        let places: Vec<usize> = entries
            .iter()
            .map(|(key, _)| {
                let next = place_of.len();
                *place_of.entry(key).or_insert(next)
            })
            .collect();
        let count = place_of.len();
        if count == entries.len() {
            return Self { entries };
        }
        let mut distinct: Vec<Entry<'a>> = Vec::with_capacity(count);
        for (place, entry) in places.into_iter().zip(entries) {
            match distinct.get_mut(place) {
                Some(known) => known.1 = entry.1,
                None => distinct.push(entry),
            }
        }
        Self { entries: distinct }
    }
}
