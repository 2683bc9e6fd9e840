//! JSON objects (RFC 8259) written member by member, for lines that are written with every request.
//!
//! serde_json writes the same bytes in several times the instructions, because it hands each of them to a writer that might
//! fail.

use std::fmt::{self, Write as _};

use uuid::{Uuid, fmt::Hyphenated};

/// An object that is being written. [`Self::end`] closes it.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// What comes before the next member.
    before: u8,
}

/// What can be the value of a member.
pub(super) trait Value {
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
}

/// A value whose text is printable ASCII without quotation marks and backslashes: an address, a thumbprint.
pub(super) struct Plain<T>(pub(super) T);

/// The same, as it stands: a time.
pub(super) struct Ascii<'a>(pub(super) &'a [u8]);

impl<'a> Object<'a> {
    /// Begins an object at the end of `out`.
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, before: b'{' }
    }

    /// Writes a member. `name` needs no escape.
    pub(super) fn member(&mut self, name: &'static str, value: impl Value) -> &mut Self {
        self.name(name);
        value.write(self.out);
        self
    }

    /// Writes a member that is an object, or null.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
        write: impl Fn(&T, Object<'_>),
    ) -> &mut Self {
        self.name(name);
        match value {
            Some(value) => write(value, Object::begin(self.out)),
            None => None::<bool>.write(self.out),
        }
        self
    }

    /// Closes it.
    pub(super) fn end(&mut self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &'static str) {
        // Once for all four parts and most values.
        self.out.reserve(name.len() + USUAL_VALUE);
        self.out.push(self.before);
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.before = b',';
    }
}

impl Value for str {
    fn write(&self, out: &mut Vec<u8>) {
        // All at once, without stopping early, so that the compiler looks at many bytes at a time.
        let plain = self.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
        if plain {
            out.push(b'"');
            out.extend_from_slice(self.as_bytes());
            out.push(b'"');
        } else {
            // A text cannot fail to be written into memory.
            let _ = serde_json::to_writer(out, self);
        }
    }
}

impl Value for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Value for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

impl Value for Uuid {
    fn write(&self, out: &mut Vec<u8>) {
        Ascii(self.as_hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH]).as_bytes()).write(out);
    }
}

impl Value for Ascii<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(self.0);
        out.push(b'"');
    }
}

impl Value for u16 {
    fn write(&self, out: &mut Vec<u8>) {
        u64::from(*self).write(out);
    }
}

impl<T: fmt::Display> Value for Plain<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        let _ = write!(Text(out), "{}", self.0);
        out.push(b'"');
    }
}

impl<T: Value> Value for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl<T: Value> Value for [T] {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (place, value) in self.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            value.write(out);
        }
        out.push(b']');
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
}

/// Appends formatted text, which cannot fail.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

const USUAL_VALUE: usize = 64;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use proptest::prelude::*;

    use super::*;

    fn written(value: impl Value) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn objects_are_written_without_spaces_and_in_order() {
        let mut out = Vec::new();
        Object::begin(&mut out)
            .member("b", "x")
            .member("a", 7_u64)
            .member("none", None::<&str>)
            .member("list", &["y", "z"][..])
            .object("inner", Some(&true), |inner, mut object| object.member("is", *inner).end())
            .object("nothing", None::<&bool>, |_, _| {})
            .end();
        let expected = r#"{"b":"x","a":7,"none":null,"list":["y","z"],"inner":{"is":true},"nothing":null}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn every_text_is_written_as_serde_json_writes_it(text in any::<String>(), number in any::<u64>()) {
            prop_assert_eq!(written(&*text), serde_json::to_string(&text).unwrap());
            prop_assert_eq!(written(number), number.to_string());
        }

        #[test]
        fn control_bytes_quotes_and_backslashes_are_escaped(text in r#"[\x00-\x1f"\\a]{0,40}"#) {
            prop_assert_eq!(written(&*text), serde_json::to_string(&text).unwrap());
        }
    }
}
