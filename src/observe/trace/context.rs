//! W3C Trace Context: in which trace a request is, and who called.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// `traceparent`.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// `tracestate`, which means nothing without [`TRACEPARENT`].
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A trace: every span of it carries this. Never all zeros.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceId([u8; 16]);

/// A span of a trace. Never all zeros.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpanId([u8; 8]);

/// What a well-formed `traceparent` says. Whether its sender may be believed is not said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The span of whoever called.
    pub span: SpanId,
    /// `trace-flags`.
    pub flags: u8,
}

impl TraceId {
    /// A new one. Its last seven bytes are random, as [`TraceParent::RANDOM`] promises.
    pub fn new() -> Self {
        Self(*Uuid::new_v4().as_bytes())
    }

    /// As it goes over the wire.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Default for TraceId {
    fn default() -> Self {
        Self::new()
    }
}

impl serde::Serialize for TraceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl SpanId {
    /// A new one, of which 62 bits are random.
    pub fn new() -> Self {
        // The half with the variant, so that it is never zero.
        Self(Uuid::new_v4().as_u64_pair().1.to_be_bytes())
    }

    /// As it goes over the wire.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl Default for SpanId {
    fn default() -> Self {
        Self::new()
    }
}

impl TraceParent {
    /// The caller records the trace.
    pub const SAMPLED: u8 = 1;
    /// The trace's identifier is random (Trace Context level 2).
    pub const RANDOM: u8 = 2;

    /// The one in the headers; none where there is none, where there are two, or where it is malformed: the trace then
    /// begins anew, and `tracestate` is void (Trace Context, sections 3.2.2.5 and 4.3).
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(&TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value.as_bytes()),
            _ => None,
        }
    }

    /// Version 00 to the byte; of later versions what they have in common with it.
    fn parse(value: &[u8]) -> Option<Self> {
        let mut fields = value.split(|byte| *byte == b'-');
        let [version] = lower_hex(fields.next()?)?;
        let (trace, span, [flags]) =
            (lower_hex(fields.next()?)?, lower_hex(fields.next()?)?, lower_hex(fields.next()?)?);
        let is_known = version == 0 && fields.next().is_none();
        let is_later = version != 0 && version != FORBIDDEN;
        let is_zero = trace == [0; 16] || span == [0; 8];
        ((is_known || is_later) && !is_zero).then_some(Self { trace: TraceId(trace), span: SpanId(span), flags })
    }

    /// Whether the caller records the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & Self::SAMPLED != 0
    }

    /// In version 00.
    pub fn value(&self) -> HeaderValue {
        let (trace, span, flags) = (self.trace, u64::from_be_bytes(self.span.0), self.flags);
        // Hexadecimal digits and hyphens are a value that every header can hold.
        HeaderValue::try_from(format!("00-{trace}-{span:016x}-{flags:02x}"))
            .unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// Exactly this many bytes in lower-case hexadecimal.
fn lower_hex<const LENGTH: usize>(text: &[u8]) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    let is_upper = text.iter().any(u8::is_ascii_uppercase);
    (!is_upper && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

const FORBIDDEN: u8 = 0xff;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[track_caller]
    fn check(values: &[&str], expected: bool) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        assert_eq!(TraceParent::of(&headers).is_some(), expected, "{values:?}");
    }

    #[test]
    fn parent_is_read_and_written_as_it_was() {
        let parent = TraceParent::parse(GOOD.as_bytes()).unwrap();
        assert!(parent.is_sampled());
        assert_eq!(parent.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(parent.value(), GOOD);
        check(&[GOOD], true);
        check(&[&GOOD.replace("-01", "-00")], true);
        check(&[&GOOD.replace("-01", "-ff")], true);
    }

    #[test]
    fn later_version_may_say_more_behind_what_is_known() {
        let later = GOOD.replacen("00", "01", 1);
        check(&[&later], true);
        check(&[&format!("{later}-what-is-to-come")], true);
        check(&[&format!("{later}.")], false);
        check(&[&format!("{GOOD}-")], false);
        check(&[&GOOD.replacen("00", "ff", 1)], false);
    }

    #[test]
    fn anything_but_one_well_formed_parent_is_none() {
        check(&[], false);
        check(&[GOOD, GOOD], false);
        let (cut, upper) = (GOOD.get(1..).unwrap(), GOOD.to_uppercase());
        let no_trace = GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32));
        let no_span = GOOD.replace("b7ad6b7169203331", &"0".repeat(16));
        for value in ["", "-", "---", "00", cut, &upper, &no_trace, &no_span, &GOOD.replace('-', "_"), "ä"] {
            check(&[value], false);
        }
        check(&[&format!("{GOOD}, {GOOD}")], false);
        check(&[&GOOD.replace("9c-", "9g-")], false);
    }

    #[test]
    fn new_identifiers_differ_and_are_never_zero() {
        assert_ne!(TraceId::new(), TraceId::new());
        assert_ne!(SpanId::new(), SpanId::new());
        for _ in 0..100 {
            assert!(SpanId::new().as_bytes().iter().any(|byte| *byte != 0));
        }
    }
}
