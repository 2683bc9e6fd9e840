//! The forms in which refusals are written for the caller: one file each.

use bytes::Bytes;
use uuid::Uuid;

use crate::denial::Denial;

mod problem;

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
    pub fn write(self, refusal: &Refusal<'_>) -> Option<Body> {
        match self {
            Self::Empty => None,
            _ => Some(problem::write(refusal)),
        }
    }
}
