//! JSON in which every object names each member once (RFC 7515, section 4; RFC 7517, section 4; RFC 7519, section 4).

use std::{borrow::Cow, cmp::Ordering, fmt, str};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// A value as it was written, but for one thing: an object that names a member twice is no object.
///
/// Readers disagree on which of the two counts, so such an object says nothing, and is not even absent. Texts in which
/// nothing is escaped are not copied.
#[derive(Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Members<'a>),
    /// An object that names a member twice.
    Ambiguous,
}

/// The members of an object, in the order in which they are looked for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// Reads one object and nothing after it; none when it is anything else, or names a member twice.
///
/// Depth is bounded by serde_json (128); bounding the length is the caller's part.
pub(crate) fn members(bytes: &[u8]) -> Option<Members<'_>> {
    match serde_json::from_str(str::from_utf8(bytes).ok()?) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

impl<'a> Value<'a> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// Any number, rounded where it has to be.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Members<'a>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether no object in it names a member twice, and lists and objects stand no deeper in one another than this.
    pub(crate) fn is_plain(&self, deepest: usize) -> bool {
        let within = deepest.checked_sub(1);
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => true,
            Self::List(list) => within.is_some_and(|deepest| list.iter().all(|value| value.is_plain(deepest))),
            Self::Object(members) => {
                within.is_some_and(|deepest| members.iter().all(|(_, value)| value.is_plain(deepest)))
            }
            Self::Ambiguous => false,
        }
    }

    /// Leaves out members that are null, if this is an object: there, not in what its members hold.
    pub(crate) fn drop_nulls(&mut self) {
        if let Self::Object(members) = self {
            members.retain(|_, value| !value.is_null());
        }
    }

    /// A member, if this is an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }
}

impl<'a> Members<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        let (_, value) = self.0.get(self.place(name)?)?;
        Some(value)
    }

    /// A text; none where there is no such member.
    ///
    /// # Errors
    /// `wrong`, where the member is anything else.
    pub(crate) fn text(&self, name: &str, wrong: &'static str) -> Result<Option<&str>, &'static str> {
        self.get(name).map(|value| value.as_str().ok_or(wrong)).transpose()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        self.place(name).map(|place| self.0.remove(place).1)
    }

    /// Leaves out those that do not hold.
    pub(crate) fn retain(&mut self, holds: impl Fn(&str, &Value<'a>) -> bool) {
        self.0.retain(|(name, value)| holds(name, value));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by(|(other, _)| order(other, name)).ok()
    }
}

/// Shorter ones first: comparing lengths costs less than comparing texts, and mostly decides.
fn order(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// The name of a member. Serde borrows a `Cow` only where it is told to.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(value.to_owned().into()))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = entries.next_entry()? {
            members.push((name, value));
        }
        members.sort_unstable_by(|(one, _), (other, _)| order(one, other));
        // Two of one name stand side by side now.
        let is_repeated = !members.is_sorted_by(|(one, _), (next, _)| order(one, next).is_lt());
        Ok(if is_repeated { Value::Ambiguous } else { Value::Object(Members(members)) })
    }
}

#[cfg(test)]
mod tests;
