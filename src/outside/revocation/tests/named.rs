//! How a list writes its issuer's name.

use super::*;
use crate::certificate::revocation::minted::{ECDSA_SHA256, signed, time, tlv};

#[tokio::test]
async fn newer_list_on_disk_counts_in_whatever_string_type_it_names_its_issuer() {
    let authority = Authority::named("Bank CA");
    let about = Arc::new(authority.client_with(&[5], &[], &[]));
    let attribute = tlv(0x30, &[&[6, 3, 0x55, 4, 3], &tlv(0x13, &[b"Bank CA"])]);
    let name = tlv(0x30, &[&tlv(0x31, &[&attribute])]);
    assert_ne!(name, about.issuer_name());
    let entries = tlv(0x30, &[&tlv(0x30, &[&[2, 1, 5], &time(-HOUR)])]);
    let tbs = tlv(0x30, &[&[2, 1, 1], ECDSA_SHA256, &name, &time(-30), &time(HOUR), &entries]);
    let newer = tlv(0x30, &[&signed(authority.key(), &tbs)]);
    let older = authority.list(&[], HOUR);
    let files = [crl::read(older).unwrap(), crl::read(newer).unwrap()].concat();

    let store = store_with(rules(), CrlFiles::new(files));

    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
}
