//! Values of `[backend] headers`: text with placeholders.

use http::HeaderValue;

use crate::config::{
    fault::Wrong,
    settings::{HeaderTemplate, Part, Placeholder},
    table::among,
};

impl HeaderTemplate {
    /// Reads text with `{placeholder}`s. A brace has no other use.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let wrong = || Wrong::new("a `{` is not closed", "write it as {certificate.thumbprint}");
            let (name, behind) = after.split_once('}').ok_or_else(wrong)?;
            parts.extend(literal(before)?);
            parts.push(Part::Placeholder(among(name, &PLACEHOLDERS)?));
            rest = behind;
        }
        parts.extend(literal(rest)?);
        if parts.is_empty() {
            return Err(Wrong::new("the value is empty", "write it as {certificate.thumbprint}"));
        }
        Ok(Self(parts))
    }
}

fn literal(text: &str) -> Result<Option<Part>, Wrong> {
    if text.contains('}') {
        return Err(Wrong::new("a `}` closes nothing", "write it as {certificate.thumbprint}"));
    }
    if !text.is_ascii() || HeaderValue::from_str(text).is_err() {
        return Err(Wrong::new("a header value is printable ASCII", "leave out what is not"));
    }
    Ok((!text.is_empty()).then(|| Part::Text(text.to_owned())))
}

const PLACEHOLDERS: [(&str, Placeholder); 10] = [
    ("certificate.thumbprint", Placeholder::CertificateThumbprint),
    ("certificate.subject", Placeholder::CertificateSubject),
    ("certificate.serial", Placeholder::CertificateSerial),
    ("certificate.organization_identifier", Placeholder::CertificateOrganizationIdentifier),
    ("certificate.roles", Placeholder::CertificateRoles),
    ("token.client_id", Placeholder::TokenClientId),
    ("token.subject", Placeholder::TokenSubject),
    ("token.scope", Placeholder::TokenScope),
    ("token.issuer", Placeholder::TokenIssuer),
    ("consent.id", Placeholder::ConsentId),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_is_text_with_known_placeholders() {
        let check = |text: &str, expected: Option<&[Part]>| {
            assert_eq!(HeaderTemplate::parse(text).ok().map(|t| t.0), expected.map(<[Part]>::to_vec), "{text}");
        };
        let thumbprint = Part::Placeholder(Placeholder::CertificateThumbprint);
        let client = Part::Placeholder(Placeholder::TokenClientId);
        let plain = |text: &str| Part::Text(text.to_owned());
        check("yes", Some(&[plain("yes")]));
        check("{certificate.thumbprint}", Some(std::slice::from_ref(&thumbprint)));
        check(
            "sha256={certificate.thumbprint}; by {token.client_id}.",
            Some(&[plain("sha256="), thumbprint.clone(), plain("; by "), client, plain(".")]),
        );
        for text in
            ["", "{", "}", "{}", "a}b", "{certificate.thumbprint", "{{token.issuer}}", "{token.iss}", "ä", "a\nb"]
        {
            check(text, None);
        }
        check("{consent.id}", Some(&[Part::Placeholder(Placeholder::ConsentId)]));
    }
}
