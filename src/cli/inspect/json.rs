//! What is shown, for programs. Members are never renamed.

use serde::Serialize;
use serde_json::Value;

use crate::{
    certificate::{
        inspect::Description,
        qualified::{QcType, Qualification, Role},
    },
    second::Second,
};

#[derive(Serialize)]
struct Entry<'a> {
    thumbprint: String,
    subject: &'a str,
    issuer: &'a str,
    serial: &'a str,
    not_before: Second,
    not_after: Second,
    key: Key<'a>,
    /// Empty without the extension.
    extended_key_usage: &'a [String],
    organization_identifier: Option<&'a str>,
    psd2: Option<Psd2<'a>>,
    qualified: Option<Qualified>,
    ocsp: Option<&'a [String]>,
    crl: Option<&'a [String]>,
}

#[derive(Serialize)]
struct Key<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    bits: Option<usize>,
}

/// Without a statement: no roles and no authority. Null if the statements cannot be read, because then it is not known.
#[derive(Default, Serialize)]
struct Psd2<'a> {
    roles: Vec<String>,
    nca_name: Option<&'a str>,
    nca_id: Option<&'a str>,
}

/// Null like [`Psd2`].
#[derive(Default, Serialize)]
struct Qualified {
    compliance: bool,
    types: Vec<String>,
}

/// The list of `descriptions`.
pub(super) fn list(descriptions: &[(usize, Description)]) -> serde_json::Result<String> {
    let entries: Vec<_> = descriptions.iter().map(|(_, description)| Entry::of(description)).collect();
    serde_json::to_string_pretty(&entries).map(|list| list + "\n")
}

/// One certificate, as in the list.
pub(in crate::cli) fn certificate(description: &Description) -> Value {
    serde_json::to_value(Entry::of(description)).unwrap_or_default()
}

impl<'a> Entry<'a> {
    fn of(description: &'a Description) -> Self {
        let (psd2, qualified) = stated(&description.qualification);
        Self {
            thumbprint: description.thumbprint.to_string(),
            subject: &description.subject,
            issuer: &description.issuer,
            serial: &description.serial,
            not_before: Second(description.valid.from),
            not_after: Second(description.valid.until),
            key: Key { kind: &description.key.kind, bits: description.key.bits },
            extended_key_usage: description.extended_key_usage.as_deref().unwrap_or_default(),
            organization_identifier: description.organization_identifier.as_deref(),
            psd2,
            qualified,
            ocsp: description.ocsp.as_deref(),
            crl: description.crl.as_deref(),
        }
    }
}

fn stated(qualification: &Qualification) -> (Option<Psd2<'_>>, Option<Qualified>) {
    let statements = match qualification {
        Qualification::Malformed(_) => return (None, None),
        Qualification::Absent => return (Some(Psd2::default()), Some(Qualified::default())),
        Qualification::Stated(statements) => statements,
    };
    let psd2 = statements.psd2.as_ref().map_or_else(Psd2::default, |psd2| Psd2 {
        roles: psd2.roles.iter().map(Role::name).collect(),
        nca_name: Some(&psd2.nca_name),
        nca_id: Some(&psd2.nca_id),
    });
    let types = statements.types.iter().map(QcType::name).collect();
    (Some(psd2), Some(Qualified { compliance: statements.compliance, types }))
}
