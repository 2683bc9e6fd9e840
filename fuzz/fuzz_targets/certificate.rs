//! A certificate is believed only where it is byte for byte one that its issuer made; and whatever an issuer signs is
//! believed only for client authentication and in its dates.
#![no_main]

use std::{net::IpAddr, sync::LazyLock, time::Duration};

use certbound::{
    UnixTime,
    certificate::{Certificates, ForwardedCert, PathRules, Truststore, inspect, revocation::Depth, truststore},
    headers::Asserted,
    peer::{Balancers, Connection, TrustedPeers},
};
use certbound_fuzz::{NOW, gate::cast::CAST, key::tlv};
use libfuzzer_sys::fuzz_target;

static TRUST: LazyLock<Certificates> = LazyLock::new(|| {
    let vectors: [&[u8]; 3] = [
        include_bytes!("../../tests/vectors/psd2/harica-qwac-ca.pem"),
        include_bytes!("../../tests/vectors/psd2/obie-pp-issuing-ca.pem"),
        include_bytes!("../../tests/vectors/psd2/cdr-mock-ca.pem"),
    ];
    let mut anchors: Vec<_> =
        vectors.iter().flat_map(|pem| truststore::certificates(pem, None).expect("PEM")).collect();
    anchors.push(CAST.root.der.clone().into());
    let (trust, _) = Truststore::new(anchors, at(VECTORS_HOLD)).expect("anchors");
    let rules = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };
    Certificates::new(trust, rules, None, Some(Depth::Chain), 0)
});

static KNOWN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let vectors: [&[u8]; 4] = [
        include_bytes!("../../tests/vectors/psd2/harica-qwac-2025.pem"),
        include_bytes!("../../tests/vectors/psd2/obie-obwac-pp-2026.pem"),
        include_bytes!("../../tests/vectors/psd2/obie-legacy-transport-pp-2026.pem"),
        include_bytes!("../../tests/vectors/psd2/cdr-mock-recipient-2023.pem"),
    ];
    let pem = vectors.iter().flat_map(|pem| truststore::certificates(pem, None).expect("PEM"));
    let minted = CAST.clients.iter().filter(|client| client.good.is_some()).map(|client| client.der.clone());
    pem.map(|der| der.to_vec()).chain(minted).collect()
});

static BALANCERS: LazyLock<TrustedPeers> = LazyLock::new(|| TrustedPeers {
    networks: None,
    balancers: Some(Balancers::new(vec![CAST.root.der.clone().into()], vec![]).expect("an authority")),
    secret: None,
    refuse_strangers: false,
});

// A number, and a certificate; or, where the number is odd, the part of one that an authority signs.
fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let is_minted = first % 2 == 1;
    let leaf = if is_minted { tlv(0x30, &[&CAST.root.key.signed(bytes)]) } else { bytes.to_vec() };
    let mut connection = Connection::from(Some(IpAddr::from([192, 0, 2, 1])));
    connection.certificates = [leaf.clone().into(), CAST.intermediate.der.clone().into()].into_iter().collect();
    for now in [VECTORS_HOLD, NOW] {
        let believed = TRUST.verify(&ForwardedCert::Connection(&connection.certificates), at(now)).1.is_ok();
        let admitted = BALANCERS.admit(&connection, &Asserted::default(), at(now)).is_ok_and(|peer| peer.is_ok());
        assert!(!(believed || admitted) || is_minted || KNOWN.contains(&leaf), "nobody made this certificate");
        assert!(!believed || contains(&leaf, CLIENT_AUTH), "it is not for client authentication");
    }
    inspect::describe(&[leaf, CAST.root.der.clone()], &PathRules::default(), at(NOW));
});

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// 2026-01-01T12:00:00Z, a day in the life of most vectors.
const VECTORS_HOLD: u64 = 1_767_268_800;

/// id-kp-clientAuth.
const CLIENT_AUTH: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
