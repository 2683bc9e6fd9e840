//! `x-fapi-interaction-id`: one identifier that caller, backend, and logs share (FAPI 1.0 part 1, section 6.2.1).

use http::{HeaderMap, HeaderName, HeaderValue};
use pingora::http::RequestHeader;
use uuid::Uuid;

use crate::{headers::is_spelling, observe::identifier};

/// The identifier of one exchange.
#[derive(Clone, Debug)]
pub struct Interaction {
    id: Uuid,
    value: HeaderValue,
}

impl Interaction {
    /// The caller's, if it sent one UUID in its usual form, else a new one.
    ///
    /// Anything else could not be echoed safely, and two callers could not be told apart by it.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(&NAME).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::read(value).unwrap_or_else(Self::new),
            _ => Self::new(),
        }
    }

    fn read(value: &HeaderValue) -> Option<Self> {
        // The other forms that the parser knows are shorter or longer.
        let id = Uuid::try_parse_ascii(value.as_bytes()).ok().filter(|_| value.len() == TEXT_LENGTH)?;
        Some(Self { id, value: value.clone() })
    }

    fn new() -> Self {
        let id = identifier::random();
        let mut text = [0; TEXT_LENGTH];
        let text = id.as_hyphenated().encode_lower(&mut text);
        // A UUID is visible ASCII, so the value is never the empty one.
        let value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        Self { id, value }
    }

    /// The identifier.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Writes it into a request that goes on, where it does not stand there already, and takes out what a backend could
    /// read in its place.
    ///
    /// # Errors
    /// A header that Pingora cannot hold.
    pub(super) fn write(&self, request: &mut RequestHeader) -> pingora::Result<()> {
        let is_twin = |name: &&HeaderName| is_spelling(name, &NAME) && **name != NAME;
        while let Some(twin) = request.headers.keys().find(is_twin).cloned() {
            request.remove_header(&twin);
        }
        let mut values = request.headers.get_all(&NAME).iter();
        if values.next() == Some(&self.value) && values.next().is_none() {
            return Ok(());
        }
        request.insert_header(NAME, self.value.clone())
    }

    /// The identifier as the caller wrote it.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }
}

/// The header.
pub(super) const NAME: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

const TEXT_LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    const SENT: &str = "C770AEF3-6784-41F7-8E0E-FF5F97BDDB3A";

    #[track_caller]
    fn check(sent: &[&str], echoed: bool) {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(NAME, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let interaction = Interaction::of(&headers);
        assert_eq!(interaction.value() == SENT, echoed, "{sent:?}");
        assert_eq!(Uuid::try_parse(interaction.value().to_str().unwrap()).unwrap(), interaction.id());
        assert_eq!(interaction.value().len(), 36);
    }

    #[test]
    fn one_uuid_is_echoed_as_it_was_sent() {
        check(&[SENT], true);
    }

    #[test]
    fn anything_but_one_uuid_is_replaced() {
        let (braced, urn) = (format!("{{{SENT}}}"), format!("urn:uuid:{SENT}"));
        let (simple, cut) = (SENT.replace('-', ""), SENT.get(1..).unwrap());
        for value in ["", "1", &braced, &urn, &simple, cut, "ü770aef3-6784-41f7-8e0e-ff5f97bddb3"] {
            check(&[value], false);
        }
        check(&[], false);
        check(&[SENT, SENT], false);
    }

    #[test]
    fn backend_gets_one_identifier_in_one_spelling() {
        for sent in [SENT, "none"] {
            let mut request = RequestHeader::build("GET", b"/", None).unwrap();
            for name in
                ["x-fapi-interaction-id", "X_FAPI_Interaction_Id", "x.fapi-interaction.id", "x-fapi-interaction"]
            {
                request.append_header(name, sent).unwrap();
            }
            let interaction = Interaction::of(&request.headers);
            interaction.write(&mut request).unwrap();
            let names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(names, ["x-fapi-interaction-id", "x-fapi-interaction"]);
            assert_eq!(request.headers.get(NAME), Some(interaction.value()));
        }
    }

    #[test]
    fn new_identifiers_differ() {
        assert_ne!(Interaction::of(&HeaderMap::new()).id(), Interaction::of(&HeaderMap::new()).id());
    }
}
