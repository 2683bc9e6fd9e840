//! The example of RFC 9440, appendix A: from its header fields to a believed certificate, and back.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;

use super::*;
use crate::certificate::{
    Profile,
    mint::{self, year},
};

#[test]
fn fields_of_the_example_lead_to_its_root_and_are_written_as_they_were_read() {
    let vector: Value = serde_json::from_slice(include_bytes!("../../../tests/vectors/rfc/rfc9440.json")).unwrap();
    let pems = vector["certificates_pem"].as_array().unwrap().iter().map(|pem| pem.as_str().unwrap().as_bytes());
    let ders: Vec<_> = pems.map(|pem| CertificateDer::from_pem_slice(pem).unwrap()).collect();
    let field = |name: &str| vector["headers"][name].as_str().unwrap().as_bytes();
    let (leaf, chain) = (field("Client-Cert"), field("Client-Cert-Chain"));

    let presented = Profile::Rfc9440.decode(leaf, &[chain], 5).unwrap();
    assert_eq!(presented, mint::presented(&ders[0], &[&ders[1], &ders[2]]).unwrap());

    let at = year(2020).max(mint::examined(&ders[0]).unwrap().valid.from);
    let (trust, _) = Truststore::new(vec![ders[2].clone()], at).unwrap();
    let rules = PathRules::default();
    let path = verify(&presented, &trust, &rules, at).unwrap();
    assert_eq!(path.intermediates.iter().map(Decoded::der).collect::<Vec<_>>(), [&*ders[1]]);

    let written = Profile::Rfc9440.encode(&ders[0], &[&ders[1], &ders[2]]);
    assert_eq!(written.leaf.as_bytes(), leaf);
    assert_eq!(written.chain.unwrap().as_bytes(), chain);
}
