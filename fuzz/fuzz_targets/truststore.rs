//! A truststore in PEM, DER, PKCS#12, or JKS holds certificates or is refused; what becomes an anchor was in it.
#![no_main]

use std::time::Duration;

use certbound::{
    UnixTime,
    certificate::{Truststore, truststore},
    thumbprint::Thumbprint,
};
use certbound_fuzz::NOW;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    for password in [None, Some("changeit")] {
        let Ok(certificates) = truststore::certificates(file, password) else { continue };
        assert!(!certificates.is_empty());
        let given: Vec<_> = certificates.iter().map(|der| Thumbprint::of(der)).collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
        let Ok((store, _)) = Truststore::new(certificates, now) else { continue };
        assert!(store.named().count() > 0 && store.named().all(|(anchor, _)| given.contains(&anchor)));
        assert!(store.anchors().all(|(_, end)| end >= now));
    }
});
