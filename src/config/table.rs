//! Reads one table key by key, with type, default, and place; what nobody asked for is unknown.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use toml::de::{DeInteger, DeTable, DeValue};

use crate::config::{
    fault::Wrong,
    quantity,
    reading::{Place, Placed, Reading},
    schema::{self, Form},
};

/// A table of the file. A table that is not written is read like an empty one.
///
/// Every method that reads a key returns what it means: the value, or the default where the key is absent or at fault.
/// Dropping the table reports the keys that nobody asked for.
pub(super) struct Table<'a> {
    pub(super) reading: &'a Reading<'a>,
    /// Its header, or the start of the file where it is not written.
    pub(super) place: Place,
    /// Whether it is written.
    pub(super) written: bool,
    entries: Vec<Entry<'a>>,
    known: Vec<&'static str>,
    places: BTreeMap<&'static str, Place>,
    changed: BTreeSet<&'static str>,
    /// Written, but as something else, which was reported.
    misread: BTreeSet<&'static str>,
}

struct Entry<'a> {
    name: String,
    offset: usize,
    value: DeValue<'a>,
    value_offset: usize,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(super) fn document(reading: &'a Reading<'a>, entries: DeTable<'a>) -> Self {
        Self::new(reading, Place::default(), true, entries)
    }

    fn new(reading: &'a Reading<'a>, place: Place, written: bool, entries: DeTable<'a>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(name, value)| Entry {
                offset: name.span().start,
                name: name.into_inner().into_owned(),
                value_offset: value.span().start,
                value: value.into_inner(),
            })
            .collect();
        let (known, places, changed, misread) = (Vec::new(), BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { reading, place, written, entries, known, places, changed, misread }
    }

    /// A table in this one; read as an empty one where it is not written.
    pub(super) fn table(&mut self, key: &'static str) -> Self {
        match self.pick(key, "a table", &format!("[{}]", self.dotted(key)), as_table) {
            Some(Placed { value, place }) => Self::new(self.reading, place, true, value),
            None => {
                let place = Place { key: Some(self.dotted(key)), offset: 0 };
                Self::new(self.reading, place, false, DeTable::new())
            }
        }
    }

    /// A table without which nothing works: its absence is one fault, and its required keys are not missed again.
    pub(super) fn required_table(&mut self, key: &'static str) -> Self {
        let table = self.table(key);
        if !self.is_given(key) {
            self.reading.fault(&table.place, "this table is missing", format!("write [{key}] with its required keys"));
        }
        table
    }

    /// The tables of an array of tables, in order.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Self> {
        let example = format!("[[{}]]", self.dotted(key));
        let elements = self.elements(key, &example).unwrap_or_default();
        let written = elements.len();
        let table = |element: Placed<DeValue<'a>>| {
            let Placed { value, place } = self.typed(element, "a table", &example, as_table)?;
            Some(Self::new(self.reading, place, true, value))
        };
        let tables: Vec<Self> = elements.into_iter().filter_map(table).collect();
        if tables.len() < written {
            self.misread.insert(key);
        }
        tables
    }

    /// A string; `""` is the same as leaving it out.
    pub(super) fn string(&mut self, key: &'static str) -> Option<Placed<String>> {
        let string = self.pick(key, "a string", "\"…\"", as_string)?;
        if string.value.is_empty() {
            return None;
        }
        self.changed.insert(key);
        Some(string)
    }

    /// A string with a default, which `""` stands for too.
    pub(super) fn string_or(&mut self, key: &'static str, default: &'static str) -> Placed<String> {
        let given = self.string(key).filter(|given| given.value != default);
        match &given {
            Some(_) => self.changed.insert(key),
            None => self.changed.remove(key),
        };
        given.unwrap_or_else(|| Placed { value: default.to_owned(), place: self.place_of(key) })
    }

    /// A string that has to be there.
    pub(super) fn required(&mut self, key: &'static str, example: &str) -> Option<Placed<String>> {
        let remedy = format!("write {key} = \"{example}\"");
        let string = self.pick(key, "a string", &format!("\"{example}\""), as_string);
        match string {
            Some(string) if string.value.is_empty() => self.fault(key, "is empty", remedy),
            Some(string) => return Some(string),
            None if self.written && !self.is_given(key) => self.fault(key, "is missing", remedy),
            // Its table or its type was reported.
            None => {}
        }
        None
    }

    /// A list of strings; none where the key is absent, or where not one is a string.
    pub(super) fn strings(&mut self, key: &'static str) -> Option<Vec<Placed<String>>> {
        let elements = self.elements(key, "[\"…\"]")?;
        let is_empty = elements.is_empty();
        if !is_empty {
            self.changed.insert(key);
        }
        let strings = elements.into_iter().filter_map(|e| self.typed(e, "a string", "\"…\"", as_string));
        let strings: Vec<_> = strings.collect();
        (is_empty || !strings.is_empty()).then_some(strings)
    }

    /// A list of strings with a default.
    pub(super) fn strings_or(&mut self, key: &'static str, default: &[&str]) -> Vec<Placed<String>> {
        let Some(strings) = self.strings(key) else {
            let place = self.place_of(key);
            return default.iter().map(|d| Placed { value: (*d).to_owned(), place: place.clone() }).collect();
        };
        if strings.iter().map(|s| s.value.as_str()).eq(default.iter().copied()) {
            self.changed.remove(key);
        } else {
            self.changed.insert(key);
        }
        strings
    }

    pub(super) fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        let given = self.pick(key, BOOLEAN, BOOLEAN, |value| value.as_bool().ok_or(value));
        self.or_default(key, given, default)
    }

    pub(super) fn integer(&mut self, key: &'static str, default: usize, range: RangeInclusive<usize>) -> usize {
        let given = self.pick(key, INTEGER, &default.to_string(), as_integer);
        let Some(given) = given else { return default };
        match whole(&given.value).filter(|number| range.contains(number)) {
            Some(value) => self.or_default(key, Some(Placed { value, place: given.place }), default),
            None => {
                let (from, until) = range.into_inner();
                let what = format!("{} is out of range", given.value);
                self.reading.fault(&given.place, what, format!("write a number from {from} to {until}"));
                default
            }
        }
    }

    /// A duration above zero.
    pub(super) fn duration(&mut self, key: &'static str, default: &'static str) -> Duration {
        self.parsed(key, default, |text| match quantity::duration(text)? {
            Duration::ZERO => Err(Wrong::new("zero is no time at all", format!("write it as {default}"))),
            duration => Ok(duration),
        })
    }

    /// A duration, zero included.
    pub(super) fn duration_or_zero(&mut self, key: &'static str, default: &'static str) -> Duration {
        self.parsed(key, default, quantity::duration)
    }

    /// A size in bytes, zero included.
    pub(super) fn size_or_zero(&mut self, key: &'static str, default: &'static str) -> u64 {
        self.parsed(key, default, quantity::size)
    }

    /// A size in bytes above zero.
    pub(super) fn size(&mut self, key: &'static str, default: &'static str) -> usize {
        self.parsed(key, default, |text| match usize::try_from(quantity::size(text)?) {
            Ok(0) | Err(_) => Err(Wrong::new(format!("`{text}` leaves nothing"), format!("write it as {default}"))),
            Ok(size) => Ok(size),
        })
    }

    /// One of a few words, the default first.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        default: (&'static str, T),
        others: &[(&'static str, T)],
    ) -> T {
        let (text, default_value) = default;
        let given = self.pick(key, "a string", &format!("\"{text}\""), as_string);
        let Some(given) = given else { return default_value };
        let found = self.reading.settle(&given.place, among(&given.value, &[&[default], others].concat()));
        if found.is_some() && given.value != text {
            self.changed.insert(key);
        }
        found.unwrap_or(default_value)
    }

    /// A string that `parse` understands. `default` is one too.
    fn parsed<T: Default + PartialEq>(
        &mut self,
        key: &'static str,
        default: &'static str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> T {
        let default_value = parse(default).unwrap_or_default();
        let given = self.pick(key, "a string", &format!("\"{default}\""), as_string);
        let Some(given) = given else { return default_value };
        let Some(value) = self.reading.settle(&given.place, parse(&given.value)) else { return default_value };
        if value != default_value {
            self.changed.insert(key);
        }
        value
    }

    /// The names of a table whose keys the operator chooses, with their values.
    pub(super) fn remaining_strings(&mut self) -> Vec<(Placed<String>, Placed<String>)> {
        let entries = std::mem::take(&mut self.entries);
        let pair = |(name, value)| Some((name, self.typed(value, "a string", "\"…\"", as_string)?));
        entries.into_iter().map(|entry| self.free(entry)).filter_map(pair).collect()
    }

    /// Like [`Self::remaining_strings`], for whole numbers.
    pub(super) fn remaining_integers(&mut self) -> Vec<(Placed<String>, Placed<DeInteger<'a>>)> {
        let entries = std::mem::take(&mut self.entries);
        let pair = |(name, value)| Some((name, self.typed(value, INTEGER, "401", as_integer)?));
        entries.into_iter().map(|entry| self.free(entry)).filter_map(pair).collect()
    }

    /// Where the value of `key` stands, or the table where it is absent.
    pub(super) fn place_of(&self, key: &'static str) -> Place {
        let absent = || Place { key: Some(self.dotted(key)), offset: self.place.offset };
        self.places.get(key).cloned().unwrap_or_else(absent)
    }

    /// Whether `key`, read before, is written.
    pub(super) fn is_given(&self, key: &'static str) -> bool {
        self.places.contains_key(key)
    }

    /// Whether `key`, read before, is written as something else than was wanted. That is reported already, and what was
    /// meant by it cannot be told.
    pub(super) fn is_misread(&self, key: &'static str) -> bool {
        self.misread.contains(key)
    }

    /// Whether `key`, read before, is not its default.
    pub(super) fn is_other(&self, key: &'static str) -> bool {
        self.changed.contains(key)
    }

    /// Whether any key read so far is not its default.
    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// A fault at `key`.
    pub(super) fn fault(&self, key: &'static str, what: impl Into<String>, remedy: impl Into<String>) {
        self.reading.fault(&self.place_of(key), what, remedy);
    }

    fn or_default<T: PartialEq + ToString>(&mut self, key: &'static str, given: Option<Placed<T>>, default: T) -> T {
        let Some(given) = given else { return default };
        if given.value != default {
            self.changed.insert(key);
        }
        given.value
    }

    fn elements(&mut self, key: &'static str, example: &str) -> Option<Vec<Placed<DeValue<'a>>>> {
        let array = self.pick(key, "a list", example, |value| match value {
            DeValue::Array(array) => Ok(array),
            other => Err(other),
        })?;
        let key = array.place.key;
        let placed = |element: toml::Spanned<DeValue<'a>>| Placed {
            place: Place { key: key.clone(), offset: element.span().start },
            value: element.into_inner(),
        };
        Some(array.value.into_iter().map(placed).collect())
    }

    /// Takes `key` out, which makes it known, and holds it to a type.
    fn pick<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        example: &str,
        convert: impl FnOnce(DeValue<'a>) -> Result<T, DeValue<'a>>,
    ) -> Option<Placed<T>> {
        self.known.push(key);
        let position = self.entries.iter().position(|entry| entry.name == key)?;
        let entry = self.entries.swap_remove(position);
        let place = Place { key: Some(self.dotted(key)), offset: entry.value_offset };
        self.places.insert(key, place.clone());
        let read = self.typed(Placed { value: entry.value, place }, wanted, example, convert);
        if read.is_none() {
            self.misread.insert(key);
        }
        read
    }

    fn typed<T>(
        &self,
        found: Placed<DeValue<'a>>,
        wanted: &str,
        example: &str,
        convert: impl FnOnce(DeValue<'a>) -> Result<T, DeValue<'a>>,
    ) -> Option<Placed<T>> {
        let Placed { value, place } = found;
        let wrong = |value: DeValue<'_>| {
            let remedy = match unquoted(&value, wanted) {
                Some(text) => format!("write it as {text}, without quotation marks"),
                None => format!("write it as {example}"),
            };
            Wrong::new(format!("{} stands where {wanted} belongs", value.type_str()), remedy)
        };
        let value = self.reading.settle(&place, convert(value).map_err(wrong))?;
        Some(Placed { value, place })
    }

    fn free(&self, entry: Entry<'a>) -> (Placed<String>, Placed<DeValue<'a>>) {
        let key = Some(self.dotted(&entry.name));
        let value = Placed { value: entry.value, place: Place { key: key.clone(), offset: entry.value_offset } };
        (Placed { value: entry.name, place: Place { key, offset: entry.offset } }, value)
    }

    /// What to write instead of a key that is not known here. Who adds a line at the end of the file adds it to a table.
    fn remedy(&self, name: &str) -> String {
        let of_the_file = || schema::every().into_iter().find(|key| key.dotted == name);
        match self.place.key.as_ref().and_then(|_| of_the_file()).map(|key| key.form) {
            Some(Form::Table) => return format!("`{name}` is a table of its own: write it as [{name}]"),
            Some(Form::Tables) => return format!("`{name}` is a table of its own: write it as [[{name}]]"),
            Some(_) => return format!("`{name}` is in no table: write it before the first [table]"),
            None => {}
        }
        match nearest(name, self.known.iter().copied()) {
            Some(known) => format!("the nearest known key is `{known}`"),
            None => "leave it out".to_owned(),
        }
    }

    fn dotted(&self, key: &str) -> String {
        self.place.key.as_ref().map_or_else(|| key.to_owned(), |table| format!("{table}.{key}"))
    }
}

#[cfg(test)]
impl Table<'_> {
    /// Tells tests which keys there are, and which of them are not their default.
    fn remember(&self) {
        self.reading.known.borrow_mut().extend(self.known.iter().map(|key| self.dotted(key)));
        self.reading.changed.borrow_mut().extend(self.changed.iter().map(|key| self.dotted(key)));
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        #[cfg(test)]
        self.remember();
        for entry in std::mem::take(&mut self.entries) {
            let place = Place { key: Some(self.dotted(&entry.name)), offset: entry.offset };
            self.reading.fault(&place, "unknown key", self.remedy(&entry.name));
        }
    }
}

/// The meaning of `text` among a few words. The empty one, which stands for leaving the key out, is none to be told of.
pub(super) fn among<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, Wrong> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).filter(|word| !word.is_empty()).collect();
        let near = nearest(text, known.iter().copied()).unwrap_or_default();
        Wrong::new(format!("`{text}` is none of {}", known.join(", ")), format!("the nearest is `{near}`"))
    })
}

/// The candidate that begins so, or else that has the text in it or is in it, or else that takes the fewest edits; case
/// aside.
pub(super) fn nearest<'k>(text: &str, candidates: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let text = text.to_lowercase();
    candidates.min_by_key(|candidate| {
        let candidate = candidate.to_lowercase();
        let begins = !text.is_empty() && candidate.starts_with(&text);
        let shorter = text.len().min(candidate.len());
        // Three letters are in many words.
        let related = shorter > 3 && (candidate.contains(&text) || text.contains(&candidate));
        (!begins, !related, strsim::levenshtein(&text, &candidate))
    })
}

/// What a string says that was meant as something else.
fn unquoted<'v>(value: &'v DeValue<'_>, wanted: &str) -> Option<&'v str> {
    let text = value.as_str()?;
    let is_meant = match wanted {
        BOOLEAN => text.parse::<bool>().is_ok(),
        INTEGER => text.parse::<u32>().is_ok(),
        _ => false,
    };
    is_meant.then_some(text)
}

fn as_table<'a>(value: DeValue<'a>) -> Result<DeTable<'a>, DeValue<'a>> {
    match value {
        DeValue::Table(table) => Ok(table),
        other => Err(other),
    }
}

fn as_string<'a>(value: DeValue<'a>) -> Result<String, DeValue<'a>> {
    match value {
        DeValue::String(string) => Ok(string.into_owned()),
        other => Err(other),
    }
}

fn as_integer<'a>(value: DeValue<'a>) -> Result<DeInteger<'a>, DeValue<'a>> {
    match value {
        DeValue::Integer(integer) => Ok(integer),
        other => Err(other),
    }
}

/// What an integer of the file comes to, if `T` holds as much: TOML writes them as long as it likes.
pub(super) fn whole<T: TryFrom<i64>>(integer: &DeInteger<'_>) -> Option<T> {
    T::try_from(i64::from_str_radix(integer.as_str(), integer.radix()).ok()?).ok()
}

const BOOLEAN: &str = "true or false";
const INTEGER: &str = "a whole number";
