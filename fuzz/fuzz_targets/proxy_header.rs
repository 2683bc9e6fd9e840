//! What a connection begins with is a whole PROXY header or an error; what follows it is handed on untouched.
#![no_main]

use certbound::{config::settings::ProxyProtocol, proxy::listen::proxy_header};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime");
}

fuzz_target!(|sent: &[u8]| {
    for version in [ProxyProtocol::V1, ProxyProtocol::V2] {
        let mut rest = sent;
        let read = RUNTIME.with(|runtime| runtime.block_on(proxy_header::read(version, &mut rest)));
        if let Ok((_, after)) = read {
            let handed_on = [after.as_slice(), rest].concat();
            assert!(sent.ends_with(&handed_on) && handed_on.len() < sent.len());
        }
    }
});
