//! An issuer's metadata leads to keys only where it is about this issuer, and never from https to http.
#![no_main]

use certbound::outside::discovery;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|document: &[u8]| {
    for issuer in ["https://as.example", "http://as.example"] {
        let Ok(address) = discovery::keys_address(document, issuer) else { continue };
        let told: Value = serde_json::from_slice(document).expect("JSON");
        assert_eq!(told["issuer"], issuer);
        let schemes: &[&str] = if issuer.starts_with("https") { &["https"] } else { &["http", "https"] };
        assert!(address.scheme_str().is_some_and(|scheme| schemes.contains(&scheme)), "{address}");
        assert!(address.host().is_some_and(|host| !host.is_empty()), "{address}");
    }
});
