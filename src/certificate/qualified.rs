//! QCStatements: what a trust service provider says of a certificate beyond the name in it
//! (RFC 3739, section 3.2.6; ETSI EN 319 412-5; ETSI TS 119 495).

use const_oid::ObjectIdentifier;
use der::{Any, Decode, Sequence, asn1::Utf8StringRef};

use crate::{certificate::organization, denial::Denial};

/// What the qcStatements extension says, or that there is none, or that it cannot be read.
///
/// A statement that cannot be read is not an absent one: where statements matter it is a refusal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Qualification {
    /// The certificate has no such extension.
    #[default]
    Absent,
    /// It has, and it is well formed.
    Stated(Statements),
    /// It has, and this is wrong with it.
    Malformed(&'static str),
}

/// The statements that certbound knows; others are read over.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Statements {
    /// QcCompliance: issued as an EU qualified certificate.
    pub compliance: bool,
    /// QcType: what it is qualified for.
    pub types: Vec<QcType>,
    /// The PSD2 statement.
    pub psd2: Option<Psd2>,
}

/// What a certificate is qualified for (EN 319 412-5, section 4.2.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QcType {
    /// Electronic signatures.
    Esign,
    /// Electronic seals.
    Eseal,
    /// Web site authentication: a QWAC.
    Web,
    /// Something younger than this code.
    Other(ObjectIdentifier),
}

/// The PSD2 statement (TS 119 495, annex A): who authorised the payment service provider, and for what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Psd2 {
    /// At least one.
    pub roles: Vec<Role>,
    /// The national competent authority, in words.
    pub nca_name: String,
    /// And by its id: country, hyphen, abbreviation; or `NA`.
    pub nca_id: String,
}

/// A role of a payment service provider. Its name in the certificate is the one of its OID.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Role {
    /// A role of [`Role::KNOWN`].
    Known(&'static str),
    /// One that is not: it grants nothing that a configuration can ask for.
    Other(ObjectIdentifier),
}

impl Qualification {
    /// Reads the value of a qcStatements extension.
    ///
    /// Strict: DER, each known statement at most once, roles whose name is that of their OID, sizes as the standard has them.
    /// Whether the issuer may make such statements is not looked at: that is what the truststore is for.
    pub fn read(extension: &[u8]) -> Self {
        read(extension).map_or_else(Self::Malformed, Self::Stated)
    }

    /// The statements, where they matter.
    ///
    /// # Errors
    /// `certificate_not_qualified` for statements that cannot be read, or none.
    pub fn demanded(&self) -> Result<&Statements, Denial> {
        match self {
            Self::Stated(statements) => Ok(statements),
            Self::Absent => Err(not_qualified("there are no qcStatements")),
            Self::Malformed(why) => Err(not_qualified(why)),
        }
    }

    /// The names of the PSD2 roles, where they can be relied on.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.statements().and_then(|statements| statements.psd2.as_ref()).into_iter().flat_map(|psd2| &psd2.roles)
    }

    /// The statements, if they can be relied on.
    pub fn statements(&self) -> Option<&Statements> {
        match self {
            Self::Stated(statements) => Some(statements),
            Self::Absent | Self::Malformed(_) => None,
        }
    }
}

impl QcType {
    /// Its short name, or the OID.
    pub fn name(&self) -> String {
        match self {
            Self::Esign => "esign".into(),
            Self::Eseal => "eseal".into(),
            Self::Web => "web".into(),
            Self::Other(oid) => oid.to_string(),
        }
    }
}

impl Role {
    /// Number under `0.4.0.19495.1` and name (TS 119 495 V1.8.1, annex A).
    pub const KNOWN: [(u32, &'static str); 9] = [
        (0, "Unspecified"),
        (1, "PSP_AS"),
        (2, "PSP_PI"),
        (3, "PSP_AI"),
        (4, "PSP_IC"),
        (5, "PSP_CB"),
        (6, "PSP_PA"),
        (51, "VOP_RS"),
        (52, "VOP_VS"),
    ];

    /// Its name, or the OID.
    pub fn name(&self) -> String {
        match self {
            Self::Known(name) => (*name).into(),
            Self::Other(oid) => oid.to_string(),
        }
    }
}

/// What `[eidas]` demands of every certificate that is judged.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Eidas {
    /// Which statements.
    pub require: Requirement,
    /// Ids of the national competent authorities that are accepted; empty: any.
    pub authorities: Vec<String>,
}

/// Which statements are demanded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Requirement {
    /// None.
    #[default]
    Off,
    /// The PSD2 statement.
    Psd2,
    /// QcCompliance, QcType web, and the PSD2 statement.
    Qwac,
}

/// Proof that a certificate is qualified as demanded. Only [`Eidas::admit`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Qualified(());

impl Eidas {
    /// Holds a believed certificate to what is demanded.
    ///
    /// # Errors
    /// `certificate_not_qualified`, also for statements that cannot be read; `authority_not_allowed`.
    pub fn admit(&self, qualification: &Qualification) -> Result<Qualified, Denial> {
        if self.require == Requirement::Off {
            return Ok(Qualified(()));
        }
        let statements = qualification.demanded()?;
        let psd2 = statements.psd2.as_ref().ok_or_else(|| not_qualified("there is no PSD2 statement"))?;
        if self.require == Requirement::Qwac {
            if !statements.compliance {
                return Err(not_qualified("there is no QcCompliance"));
            }
            if !statements.types.contains(&QcType::Web) {
                return Err(not_qualified("QcType is not web"));
            }
        }
        if !self.authorities.is_empty() && !self.authorities.contains(&psd2.nca_id) {
            return Err(Denial::AuthorityNotAllowed);
        }
        Ok(Qualified(()))
    }
}

fn not_qualified(why: &'static str) -> Denial {
    Denial::CertificateNotQualified { why }
}

#[derive(Sequence)]
struct QcStatement {
    id: ObjectIdentifier,
    #[asn1(optional = "true")]
    info: Option<Any>,
}

#[derive(Sequence)]
struct Psd2QcType<'a> {
    roles: Vec<RoleOfPsp<'a>>,
    nca_name: Utf8StringRef<'a>,
    nca_id: Utf8StringRef<'a>,
}

#[derive(Sequence)]
struct RoleOfPsp<'a> {
    oid: ObjectIdentifier,
    name: Utf8StringRef<'a>,
}

fn read(extension: &[u8]) -> Result<Statements, &'static str> {
    if extension.len() > MAX_BYTES {
        return Err("the qcStatements extension is too large");
    }
    let listed = Vec::<QcStatement>::from_der(extension).map_err(|_| "qcStatements is not a sequence of statements")?;
    let mut read = Statements::default();
    for (place, statement) in listed.iter().enumerate() {
        let known = [QC_COMPLIANCE, QC_TYPE, PSD2].contains(&statement.id);
        if known && listed.iter().take(place).any(|earlier| earlier.id == statement.id) {
            return Err("a statement is made twice");
        }
        match statement.id {
            QC_COMPLIANCE if statement.info.is_some() => return Err("QcCompliance carries information"),
            QC_COMPLIANCE => read.compliance = true,
            QC_TYPE => read.types = types(statement)?,
            PSD2 => read.psd2 = Some(psd2(statement)?),
            _ => {}
        }
    }
    Ok(read)
}

/// The statements that are read over; none of an extension that cannot be read.
pub(super) fn others(extension: &[u8]) -> Vec<ObjectIdentifier> {
    let listed = Vec::<QcStatement>::from_der(extension).unwrap_or_default();
    listed.into_iter().map(|statement| statement.id).filter(|id| ![QC_COMPLIANCE, QC_TYPE, PSD2].contains(id)).collect()
}

fn types(statement: &QcStatement) -> Result<Vec<QcType>, &'static str> {
    let info = statement.info.as_ref().ok_or("QcType names no type")?;
    let types: Vec<ObjectIdentifier> = info.decode_as().map_err(|_| "QcType is not a sequence of OIDs")?;
    if types.is_empty() {
        return Err("QcType names no type");
    }
    Ok(types
        .into_iter()
        .map(|oid| match oid {
            QC_TYPE_ESIGN => QcType::Esign,
            QC_TYPE_ESEAL => QcType::Eseal,
            QC_TYPE_WEB => QcType::Web,
            other => QcType::Other(other),
        })
        .collect())
}

fn psd2(statement: &QcStatement) -> Result<Psd2, &'static str> {
    let info = statement.info.as_ref().ok_or("the PSD2 statement is empty")?;
    let stated: Psd2QcType<'_> = info.decode_as().map_err(|_| "the PSD2 statement is not a PSD2QcType")?;
    let roles = stated.roles.iter().map(role).collect::<Result<Vec<_>, _>>()?;
    if roles.is_empty() {
        return Err("the PSD2 statement names no role");
    }
    if roles.len() > 1 && roles.contains(&Role::Known(UNSPECIFIED)) {
        return Err("an unspecified role stands beside others");
    }
    if roles.iter().enumerate().any(|(place, role)| roles.iter().take(place).any(|earlier| earlier == role)) {
        return Err("a role is named twice");
    }
    let (nca_name, nca_id) = (stated.nca_name.as_str(), stated.nca_id.as_str());
    if !sized(nca_name) {
        return Err("the authority's name is empty or too long");
    }
    if !is_nca_id(nca_id) {
        return Err("the authority's id is not a country and an abbreviation");
    }
    Ok(Psd2 { roles, nca_name: nca_name.into(), nca_id: nca_id.into() })
}

fn role(stated: &RoleOfPsp<'_>) -> Result<Role, &'static str> {
    let name = stated.name.as_str();
    if !sized(name) {
        return Err("a role's name is empty or too long");
    }
    let known = (stated.oid.parent() == Some(PSD2_ROLES))
        .then(|| Role::KNOWN.iter().find(|(number, _)| stated.oid.arcs().last() == Some(*number)))
        .flatten();
    match known {
        Some((_, expected)) if *expected != name => Err("a role's name is not that of its OID"),
        Some((_, expected)) => Ok(Role::Known(expected)),
        None if Role::KNOWN.iter().any(|(_, known)| *known == name) => Err("a role's name is not that of its OID"),
        None => Ok(Role::Other(stated.oid)),
    }
}

/// TS 119 495, GEN-5.2.3-2: ISO 3166-1 country, hyphen, two to eight capitals; `NA` for central banks and authorities.
pub fn is_nca_id(id: &str) -> bool {
    id == "NA" || id.split_once('-').is_some_and(|(country, nca)| organization::is_authority(country, nca))
}

/// `SIZE (1..256)`, in characters.
fn sized(text: &str) -> bool {
    (1..=256).contains(&text.chars().count())
}

/// `id-pe-qcStatements` (RFC 3739).
pub const QC_STATEMENTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.3");
const QC_COMPLIANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.1");
const QC_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6");
const QC_TYPE_ESIGN: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.1");
const QC_TYPE_ESEAL: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.2");
const QC_TYPE_WEB: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.3");
const PSD2: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.19495.2");
const PSD2_ROLES: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.19495.1");
const UNSPECIFIED: &str = "Unspecified";
/// Real ones have a few hundred bytes; PKI disclosure statements make the longest.
const MAX_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::{fs, path::Path};

    use der::DecodePem;
    use serde_json::{Value, json};
    use x509_cert::Certificate;

    use super::*;

    /// The qcStatements of a certificate in PEM.
    fn qualification(pem: &[u8]) -> Qualification {
        let certificate = Certificate::from_pem(pem).unwrap();
        let extensions = certificate.tbs_certificate().extensions().cloned().unwrap_or_default();
        let found = extensions.iter().find(|extension| extension.extn_id == QC_STATEMENTS);
        found.map_or(Qualification::Absent, |extension| Qualification::read(extension.extn_value.as_bytes()))
    }

    fn described(qualification: &Qualification) -> Value {
        let Qualification::Stated(statements) = qualification else { return Value::Null };
        json!({
            "compliance": statements.compliance,
            "types": statements.types.iter().map(QcType::name).collect::<Vec<_>>(),
            "psd2": statements.psd2.as_ref().map(|psd2| json!({
                "roles": psd2.roles.iter().map(Role::name).collect::<Vec<_>>(),
                "nca_name": psd2.nca_name,
                "nca_id": psd2.nca_id,
            })),
        })
    }

    fn expected(qc: &Value) -> Value {
        let kind = |oid: &Value| match oid.as_str().unwrap().rsplit_once('.').unwrap().1 {
            "1" => "esign",
            "2" => "eseal",
            _ => "web",
        };
        let types: Vec<_> = qc["qcType"].as_array().into_iter().flatten().map(kind).collect();
        let psd2 = qc.get("psd2").map(|psd2| {
            let roles: Vec<_> = psd2["roles"].as_array().unwrap().iter().map(|role| &role["name"]).collect();
            json!({"roles": roles, "nca_name": psd2["ncaName"], "nca_id": psd2["ncaId"]})
        });
        json!({"compliance": qc["qcCompliance"].as_bool().unwrap_or(false), "types": types, "psd2": psd2})
    }

    #[test]
    fn real_certificates_say_what_their_readers_expect() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/psd2");
        let vectors: serde_json::Map<String, Value> =
            serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
        assert_eq!(vectors.len(), 18);
        for (name, vector) in &vectors {
            let found = qualification(&fs::read(folder.join(name)).unwrap());
            let qc = &vector["qc"];
            let malformed = !qc["psd2_malformed"].is_null() || !qc["qc_malformed"].is_null();
            assert_eq!(matches!(found, Qualification::Malformed(_)), malformed, "{name}: {found:?}");
            assert_eq!(found == Qualification::Absent, qc.is_null(), "{name}: {found:?}");
            if found.statements().is_some() {
                assert_eq!(described(&found), expected(qc), "{name}");
            }
        }
    }

    /// DER of one element.
    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let head = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
        [head, content.to_vec()].concat()
    }

    fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
        tlv(0x30, &parts.concat())
    }

    fn role(number: u8, name: &str) -> Vec<u8> {
        sequence(&[tlv(0x06, &[4, 0, 0x81, 0x98, 0x27, 1, number]), tlv(0x0c, name.as_bytes())])
    }

    fn psd2(roles: &[Vec<u8>], nca_name: &str, nca_id: &str) -> Vec<u8> {
        let info = sequence(&[sequence(roles), tlv(0x0c, nca_name.as_bytes()), tlv(0x0c, nca_id.as_bytes())]);
        sequence(&[tlv(0x06, &[4, 0, 0x81, 0x98, 0x27, 2]), info])
    }

    #[track_caller]
    fn check(statements: &[Vec<u8>], well_formed: bool) {
        let found = Qualification::read(&sequence(statements));
        assert_eq!(found.statements().is_some(), well_formed, "{found:?}");
    }

    #[test]
    fn psd2_statement_is_read_strictly() {
        let ai = role(3, "PSP_AI");
        let good = psd2(std::slice::from_ref(&ai), "BaFin", "DE-BAFIN");
        check(std::slice::from_ref(&good), true);
        check(&[], true);
        check(&[psd2(&[role(99, "PSP_XX")], "BaFin", "DE-BAFIN")], true);
        check(&[psd2(&[role(5, "PSP_CB")], "Bank", "NA")], true);
        check(&[psd2(&[role(0, "Unspecified")], "BaFin", "DE-BAFIN")], true);
        check(&[good.clone(), good], false);
        check(&[psd2(&[], "BaFin", "DE-BAFIN")], false);
        check(&[psd2(&[role(3, "PSP_PI")], "BaFin", "DE-BAFIN")], false);
        check(&[psd2(&[role(3, "psp_ai")], "BaFin", "DE-BAFIN")], false);
        check(&[psd2(&[role(99, "PSP_AI")], "BaFin", "DE-BAFIN")], false);
        check(&[psd2(&[role(99, "")], "BaFin", "DE-BAFIN")], false);
        let of_another_arc = sequence(&[tlv(0x06, &[0x2a, 3, 3]), tlv(0x0c, b"PSP_AI")]);
        check(&[psd2(&[of_another_arc], "BaFin", "DE-BAFIN")], false);
        check(&[psd2(&[ai.clone(), ai.clone()], "BaFin", "DE-BAFIN")], false);
        check(&[psd2(&[ai.clone(), role(0, "Unspecified")], "BaFin", "DE-BAFIN")], false);
        check(&[psd2(std::slice::from_ref(&ai), "", "DE-BAFIN")], false);
        for id in ["", "DE", "DE-", "DE-B", "DEU-BAFIN", "de-bafin", "DE-BAFINBAFI", "DE-BA1"] {
            check(&[psd2(std::slice::from_ref(&ai), "BaFin", id)], false);
        }
    }

    #[test]
    fn statements_of_etsi_hold_what_they_have_to_and_no_more() {
        let statement = |number: u8, info: &[Vec<u8>]| {
            let named = tlv(0x06, &[4, 0, 0x8e, 0x46, 1, number]);
            sequence(&[&[named][..], info].concat())
        };
        let web = tlv(0x06, &[4, 0, 0x8e, 0x46, 1, 6, 3]);
        check(&[statement(1, &[])], true);
        check(&[statement(1, &[tlv(0x05, &[])])], false);
        check(&[statement(6, &[sequence(&[web])])], true);
        check(&[statement(6, &[sequence(&[])])], false);
    }

    #[test]
    fn bytes_after_the_statements_are_refused() {
        let mut extension = sequence(&[]);
        extension.push(0);
        assert!(matches!(Qualification::read(&extension), Qualification::Malformed(_)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Qualification::read(&bytes);
        }
    }
}
