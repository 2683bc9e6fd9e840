//! Whatever stands in a file that `proxy.toml` names, it is read or is a fault at its key, and is never told.
#![no_main]

use std::{env, fs, path::PathBuf, process, sync::LazyLock, time::Duration};

use certbound::{UnixTime, config};
use certbound_fuzz::{NOW, gate::cast::CAST};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("certbound-fuzz-files-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("root.der"), &CAST.root.der).expect("a truststore");
    fs::write(folder.join("keys.jwks"), CAST.issuer.jwks()).expect("a key set");
    folder
});

// The number of a key, and the file that it names.
fuzz_target!(|input: &[u8]| {
    let Some((first, content)) = input.split_first() else { return };
    let (old, new) = KEYS[usize::from(*first) % KEYS.len()];
    fs::write(FOLDER.join("file"), content).expect("a file");
    let file = FOLDER.join("proxy.toml");
    fs::write(&file, CONFIGURATION.replace(old, new)).expect("a file");
    let Err(faults) = config::load(&file, UnixTime::since_unix_epoch(Duration::from_secs(NOW))) else { return };
    for fault in faults {
        assert!(fault.key.is_some(), "{fault}");
        assert!(!fault.to_string().contains(char::is_control), "{fault}");
    }
});

/// A line of the configuration, and what stands there instead.
const KEYS: [(&str, &str); 9] = [
    ("[load_balancer]", "[load_balancer]\nclient_ca_file = \"file\""),
    ("[load_balancer]", "[load_balancer]\nsecret_header = { name = \"X-A\", value_file = \"file\" }"),
    ("[revocation]", "[revocation]\ncrl_files = [\"file\"]"),
    ("[consent]", "[consent]\nendpoint = \"http://127.0.0.1:1/\"\nsigning_key_file = \"file\""),
    ("[replay]", "[replay]\nredis = \"redis://127.0.0.1:1/0\"\npassword_file = \"file\""),
    ("plaintext = true", "certificate_file = \"file\"\nprivate_key_file = \"file\""),
    ("keys.jwks", "file"),
    ("root.der", "file"),
    ("[registration]", "[registration]\ndirectory_jwks = \"file\""),
];

const CONFIGURATION: &str = r#"
[listen]
address = "127.0.0.1:0"
plaintext = true
[load_balancer]
trusted_networks = []
[truststore]
paths = ["root.der"]
[revocation]
[[token.issuer]]
issuer = "https://as.example"
audiences = ["a"]
jwks = "keys.jwks"
[replay]
[consent]
[registration]
[backend]
address = "127.0.0.1:1"
"#;
