//! The certificate of a payment service provider, with all that such certificates carry: an RSA key, and beside its purpose
//! where to ask about it, policies, and what the bank's authority lets its holder do (ETSI TS 119 495).

use rcgen::{
    CertificateParams, CrlDistributionPoint, CustomExtension, DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose,
    PublicKeyData, SanType, SignatureAlgorithm,
};
use ring::rand::{SecureRandom, SystemRandom};

/// What is to be signed; all but the key, and the number that rcgen takes from it, is the same for every provider.
pub(crate) fn provider() -> CertificateParams {
    let mut params = CertificateParams::default();
    let subject = &mut params.distinguished_name;
    subject.push(DnType::CountryName, "DE");
    subject.push(DnType::OrganizationName, "A third party provider");
    subject.push(DnType::CustomDnType(ORGANIZATION_IDENTIFIER.to_vec()), "PSDDE-BAFIN-123456");
    subject.push(DnType::CommonName, "tpp-1.example");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![SanType::DnsName("tpp-1.example".try_into().expect("ASCII"))];
    params.use_authority_key_identifier_extension = true;
    params.crl_distribution_points =
        vec![CrlDistributionPoint { uris: vec!["http://pki.example/qualified/issuing-ca.crl".to_owned()] }];
    let statement = tlv(0x30, &[&tlv(0x06, &[CPS]), &tlv(0x16, &[b"http://pki.example/qualified/policies"])]);
    let policy = tlv(0x30, &[&tlv(0x30, &[&tlv(0x06, &[QCP_WEB]), &tlv(0x30, &[&statement])])]);
    let access = |how, address: &str| tlv(0x30, &[&tlv(0x06, &[how]), &tlv(0x86, &[address.as_bytes()])]);
    let accesses = [access(OCSP, "http://ocsp.pki.example/"), access(CA_ISSUERS, "http://pki.example/issuing-ca.crt")];
    params.custom_extensions = vec![
        CustomExtension::from_oid_content(&[2, 5, 29, 14], tlv(0x04, &[&[0x5a; 20]])),
        CustomExtension::from_oid_content(&[2, 5, 29, 32], policy),
        CustomExtension::from_oid_content(AUTHORITY_INFO_ACCESS, tlv(0x30, &[&accesses.concat()])),
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 3], statements()),
    ];
    params
}

/// A qualified certificate for websites, whose holder may see accounts and pay from them.
fn statements() -> Vec<u8> {
    let kinds = tlv(0x30, &[&tlv(0x06, &[QC_TYPE_WEB])]);
    let role = |role, name: &str| tlv(0x30, &[&tlv(0x06, &[role]), &tlv(0x0c, &[name.as_bytes()])]);
    let roles = [role(PSP_PI, "PSP_PI"), role(PSP_AI, "PSP_AI")].concat();
    let bank = [tlv(0x0c, &[b"Federal Financial Supervisory Authority"]), tlv(0x0c, &[b"DE-BAFIN"])].concat();
    tlv(
        0x30,
        &[
            &tlv(0x30, &[&tlv(0x06, &[QC_COMPLIANCE])]),
            &tlv(0x30, &[&tlv(0x06, &[QC_TYPE]), &kinds]),
            &tlv(0x30, &[&tlv(0x06, &[PSD2]), &tlv(0x30, &[&tlv(0x30, &[&roles]), &bank])]),
        ],
    )
}

/// A public key of 2,048 bits. Nobody has the private half: a forwarded certificate needs none.
pub(crate) struct RsaKey(Vec<u8>);

impl RsaKey {
    pub(crate) fn new() -> Self {
        let mut modulus = [0; 257];
        SystemRandom::new().fill(&mut modulus[1..]).expect("random octets");
        modulus[1] |= 0x80;
        modulus[256] |= 1;
        Self(tlv(0x30, &[&tlv(0x02, &[&modulus]), &tlv(0x02, &[&[1, 0, 1]])]))
    }
}

impl PublicKeyData for RsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// Tag, length, and the parts one after the other.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).expect("nothing long is written here");
    let [high, low] = length.to_be_bytes();
    let head: &[u8] = if length < 128 { &[tag, low] } else { &[tag, 0x82, high, low] };
    // One octet of length where one is enough: DER.
    let head = if (128..256).contains(&length) { &[tag, 0x81, low] } else { head };
    [head, &content].concat()
}

const ORGANIZATION_IDENTIFIER: [u64; 4] = [2, 5, 4, 97];
pub(crate) const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
pub(crate) const OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
const CA_ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];
/// qcp-web (EN 319 411-2).
const QCP_WEB: &[u8] = &[4, 0, 0x8b, 0xec, 0x40, 1, 4];
/// Where the practice statement is.
const CPS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 1];
const QC_COMPLIANCE: &[u8] = &[4, 0, 0x8e, 0x46, 1, 1];
const QC_TYPE: &[u8] = &[4, 0, 0x8e, 0x46, 1, 6];
const QC_TYPE_WEB: &[u8] = &[4, 0, 0x8e, 0x46, 1, 6, 3];
const PSD2: &[u8] = &[4, 0, 0x81, 0x98, 0x27, 2];
const PSP_PI: &[u8] = &[4, 0, 0x81, 0x98, 0x27, 1, 2];
const PSP_AI: &[u8] = &[4, 0, 0x81, 0x98, 0x27, 1, 3];
