//! qcStatements (ETSI EN 319 412-5, TS 119 495), as trust service providers make them.

use rcgen::CustomExtension;

use super::der::{oid, sequence, tlv};

/// The extension, with these statements.
pub(crate) fn statements(statements: &[Vec<u8>]) -> CustomExtension {
    let statements: Vec<&[u8]> = statements.iter().map(Vec::as_slice).collect();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 3], sequence(&statements))
}

/// QcCompliance: the certificate is a qualified one.
pub(crate) fn compliance() -> Vec<u8> {
    sequence(&[&oid(&[4, 0, 0x8e, 0x46, 1, 1])])
}

/// QcType: 1 eSign, 2 eSeal, 3 web.
pub(crate) fn kind(number: u8) -> Vec<u8> {
    let kinds = sequence(&[&oid(&[4, 0, 0x8e, 0x46, 1, 6, number])]);
    sequence(&[&oid(&[4, 0, 0x8e, 0x46, 1, 6]), &kinds])
}

/// The PSD2 statement: roles by number and name, and the authority.
pub(crate) fn psd2(roles: &[(u8, &str)], nca_name: &str, nca_id: &str) -> Vec<u8> {
    let role = |(number, name): &(u8, &str)| {
        sequence(&[&oid(&[4, 0, 0x81, 0x98, 0x27, 1, *number]), &tlv(0x0c, &[name.as_bytes()])])
    };
    let roles: Vec<_> = roles.iter().map(role).collect();
    let roles = sequence(&roles.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let info = sequence(&[&roles, &tlv(0x0c, &[nca_name.as_bytes()]), &tlv(0x0c, &[nca_id.as_bytes()])]);
    sequence(&[&oid(&[4, 0, 0x81, 0x98, 0x27, 2]), &info])
}

pub(crate) const ACCOUNTS: (u8, &str) = (3, "PSP_AI");
pub(crate) const PAYMENTS: (u8, &str) = (2, "PSP_PI");
