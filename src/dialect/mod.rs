//! The forms in which refusals are written for the caller: one file each.

mod berlin_group;
mod cds;
mod oauth;
mod obie;
mod obie_v3;
mod obie_v4;
mod problem;
mod wso2;

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use crate::denial::Denial;

/// How the body of a refusal looks. The status and `WWW-Authenticate` are the same in all of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Dialect {
    /// RFC 9457.
    #[default]
    Problem,
    /// UK Open Banking, version 3.
    ObieV3,
    /// UK Open Banking, version 4.
    ObieV4,
    /// Berlin Group NextGenPSD2, version 1.3.
    BerlinGroup,
    /// Consumer Data Standards, Australia.
    Cds,
    /// RFC 6749, section 5.2; RFC 7591, section 3.2.2.
    OAuth,
    /// WSO2 API Manager's error formatter.
    Wso2,
    /// No body.
    Empty,
}

/// A refusal and what is said with it.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Why.
    pub denial: &'a Denial,
    /// The status that is answered.
    pub status: u16,
    /// Whether the facts of the refusal are told.
    pub full_detail: bool,
    /// `x-fapi-interaction-id`.
    pub interaction: Uuid,
}

/// A body and its type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Body {
    /// `Content-Type`.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Bytes,
}

impl Dialect {
    /// Every dialect with its name in the configuration, the default first.
    pub const ALL: [(&'static str, Self); 8] = [
        ("problem+json", Self::Problem),
        ("obie-v3", Self::ObieV3),
        ("obie-v4", Self::ObieV4),
        ("berlin-group", Self::BerlinGroup),
        ("cds", Self::Cds),
        ("oauth", Self::OAuth),
        ("wso2", Self::Wso2),
        ("empty", Self::Empty),
    ];

    /// The body; none where this refusal has none.
    ///
    /// Holds no path and no token. What the consent service says of a refusal is told where the form has a place for it.
    pub fn write(self, refusal: &Refusal<'_>) -> Option<Body> {
        match self {
            Self::Problem => Some(problem::write(refusal)),
            Self::ObieV3 => Some(obie_v3::write(refusal)),
            Self::ObieV4 => obie_v4::write(refusal),
            Self::BerlinGroup => Some(berlin_group::write(refusal)),
            Self::Cds => Some(cds::write(refusal)),
            Self::OAuth => Some(oauth::write(refusal)),
            Self::Wso2 => Some(wso2::write(refusal)),
            Self::Empty => None,
        }
    }
}

impl Refusal<'_> {
    /// Whether its status says so, whatever it is about: a client that mends something would do so in vain.
    fn is_fault_of_this_side(&self) -> bool {
        self.status >= 500
    }

    /// The facts, where they are told.
    fn detail(&self) -> Option<Cow<'static, str>> {
        let detail = self.denial.detail().filter(|_| self.full_detail)?;
        Some(match self.consent_message() {
            Some(message) => Cow::Owned(format!("{detail}: {message}")),
            None => detail,
        })
    }

    /// What the consent service says of a refusal of its own. Not certbound's words, so bounded once more.
    fn consent_message(&self) -> Option<&str> {
        match self.denial {
            Denial::ConsentRefused { message: Some(message), .. } if !message.is_empty() => Some(bounded(message)),
            _ => None,
        }
    }

    /// The consent service's own code.
    fn consent_code(&self) -> Option<&str> {
        match self.denial {
            Denial::ConsentRefused { code, .. } => code.as_deref(),
            _ => None,
        }
    }

    /// All that is told in words, where the form has one place for them: at most [`LONGEST_TEXT`] characters.
    fn text(&self) -> Cow<'_, str> {
        let title = self.denial.row().title;
        match (self.consent_message(), self.detail()) {
            (Some(message), _) => Cow::Borrowed(message),
            (None, Some(detail)) => Cow::Owned(bounded(&format!("{title}: {detail}")).to_owned()),
            (None, None) => Cow::Borrowed(title),
        }
    }
}

impl Body {
    fn json(media_type: &'static str, content: &impl Serialize) -> Self {
        // Strings, numbers, and lists of them: nothing in it can fail to be written.
        Self { media_type, bytes: serde_json::to_vec(content).unwrap_or_default().into() }
    }
}

fn bounded(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST_TEXT).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The shortest bound among the forms: `text` of NextGenPSD2, `Message` of the UK's, in characters.
const LONGEST_TEXT: usize = 500;
const JSON: &str = "application/json";

#[cfg(test)]
mod tests;
