//! Whatever stands in `proxy.toml`, it is read into settings, or every fault is named at a place in it, on one line.
#![no_main]

use std::{env, fs, path::PathBuf, process, sync::LazyLock, time::Duration};

use certbound::{UnixTime, config};
use certbound_fuzz::{NOW, gate::cast::CAST};
use libfuzzer_sys::fuzz_target;

/// A folder with a truststore in it.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("certbound-fuzz-config-{}", process::id()));
    fs::create_dir_all(folder.join("trust")).expect("a folder");
    fs::write(folder.join("trust/root.der"), &CAST.root.der).expect("a truststore");
    fs::write(folder.join("keys.jwks"), CAST.issuer.jwks()).expect("a key set");
    folder.join("proxy.toml")
});

fuzz_target!(|text: &[u8]| {
    fs::write(&*FILE, text).expect("a file");
    let read = config::load(&FILE, UnixTime::since_unix_epoch(Duration::from_secs(NOW)));
    let faults = match read {
        Ok((_, _, warnings)) => warnings.into_iter().map(|warning| warning.0).collect(),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            faults
        }
    };
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    for fault in faults {
        let line = fault.line.checked_sub(1).and_then(|line| lines.get(line)).expect("a line of the file");
        assert!((1..=line.len() + 1).contains(&fault.column), "{fault}");
        assert!(!fault.to_string().contains(char::is_control), "{fault}");
    }
});
