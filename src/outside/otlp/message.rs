//! `ExportTraceServiceRequest` in Protocol Buffers, framed for gRPC. The numbers are those of opentelemetry-proto 1.x, which
//! never change.

use bytes::Bytes;

use crate::observe::trace::span::{Kind, Span, Value};

/// One call's message. `instance`: what tells this process from others of its kind.
pub(super) fn request(spans: &[Span], instance: &str) -> Bytes {
    let mut scope_spans = Message::default();
    scope_spans.message(1, Message::default().text(1, NAME).text(2, VERSION));
    for span in spans {
        scope_spans.message(2, &span_message(span));
    }
    let mut resource = Message::default();
    for (name, value) in [("service.name", NAME), ("service.version", VERSION), ("service.instance.id", instance)] {
        resource.attribute(1, name, &Value::Text(value.to_owned()));
    }
    let mut resource_spans = Message::default();
    resource_spans.message(1, &resource).message(2, &scope_spans);
    let mut request = Message::default();
    request.message(1, &resource_spans);
    framed(&request)
}

/// A byte that says that nothing is compressed, then the length.
fn framed(message: &Message) -> Bytes {
    // A batch is bounded far below 4 GiB.
    let length = u32::try_from(message.0.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), &message.0].concat().into()
}

fn span_message(span: &Span) -> Message {
    let mut message = Message::default();
    message.bytes(1, span.trace.as_bytes()).bytes(2, span.id.as_bytes());
    if let Some(parent) = &span.parent {
        message.bytes(4, parent.as_bytes());
    }
    let kind = match span.kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
    };
    let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    message.text(5, &span.name).number(6, kind);
    message.fixed(7, &nanoseconds(span.start).to_le_bytes());
    message.fixed(8, &nanoseconds(span.start + span.took).to_le_bytes());
    for (name, value) in &span.attributes {
        message.attribute(9, name, value);
    }
    if span.failed {
        message.message(15, Message::default().number(3, ERROR));
    }
    message.fixed(16, &span.flags().to_le_bytes());
    message
}

/// Fields one after the other, each behind its number and its form.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, field: u8, value: u64) -> &mut Self {
        self.tag(field, 0);
        self.varint(value);
        self
    }

    /// Four or eight bytes, the lowest first.
    fn fixed(&mut self, field: u8, bytes: &[u8]) -> &mut Self {
        self.tag(field, if bytes.len() == 4 { 5 } else { 1 });
        self.0.extend_from_slice(bytes);
        self
    }

    fn bytes(&mut self, field: u8, bytes: &[u8]) -> &mut Self {
        self.tag(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, field: u8, text: &str) -> &mut Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(&mut self, field: u8, message: &Self) -> &mut Self {
        self.bytes(field, &message.0)
    }

    /// A `KeyValue`.
    fn attribute(&mut self, field: u8, name: &str, value: &Value) -> &mut Self {
        let mut any = Self::default();
        match value {
            Value::Text(text) => any.text(1, text),
            Value::Number(number) => any.number(3, number.cast_unsigned()),
        };
        self.message(field, Self::default().text(1, name).message(2, &any))
    }

    fn tag(&mut self, field: u8, form: u8) {
        self.varint(u64::from(field) << 3 | u64::from(form));
    }

    /// Seven bits a byte, the lowest first; the highest bit says that there are more.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push((value & 0x7f) as u8);
    }
}

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const ERROR: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_protocol_buffers_have_them() {
        // 150 and "testing" are the examples of the encoding's documentation.
        let check = |message: &mut Message, expected: &[u8]| assert_eq!(message.0, expected);
        check(Message::default().number(1, 150), b"\x08\x96\x01");
        check(Message::default().text(2, "testing"), b"\x12\x07testing");
        check(Message::default().message(3, Message::default().number(1, 150)), b"\x1a\x03\x08\x96\x01");
        check(Message::default().number(1, 0), b"\x08\x00");
        check(Message::default().fixed(16, &1_u32.to_le_bytes()), b"\x85\x01\x01\x00\x00\x00");
        check(Message::default().fixed(7, &1_u64.to_le_bytes()), b"\x39\x01\x00\x00\x00\x00\x00\x00\x00");
    }

    #[test]
    fn frame_says_how_long_the_message_is() {
        let mut message = Message::default();
        message.text(2, "testing");
        assert_eq!(framed(&message), [b"\x00\x00\x00\x00\x09".as_slice(), b"\x12\x07testing"].concat());
    }
}
