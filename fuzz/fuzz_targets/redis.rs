//! Something counts as used for the first time only where the server says so in the one reply that means it.
#![no_main]

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::{Arc, LazyLock},
    time::Duration,
};

use certbound::{
    UnixTime,
    config::settings::{Address, SharedMemory, Uses},
    observe::Metrics,
    outside::UseStore,
    token::{Purpose, SingleUse, Use},
};
use certbound_fuzz::NOW;
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
    runtime::{Builder, Runtime},
};

static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(|| Arc::new(Metrics::new()));

static SOCKET: LazyLock<PathBuf> =
    LazyLock::new(|| env::temp_dir().join(format!("certbound-fuzz-redis-{}", process::id())));

thread_local! {
    static RUNTIME: (Runtime, UnixListener) = {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _ = fs::remove_file(&*SOCKET);
        let listener = runtime.block_on(async { UnixListener::bind(&*SOCKET) }).expect("a socket");
        (runtime, listener)
    };
}

// The server's bytes, whatever it is asked.
fuzz_target!(|reply: &[u8]| RUNTIME.with(|(runtime, listener)| {
    let settings = SharedMemory {
        address: Address::Unix(SOCKET.clone()),
        tls: None,
        database: 0,
        username: None,
        password: None,
        timeout: Duration::from_secs(5),
    };
    let store = UseStore::new(Uses { remembered: 1, shared: Some(settings) }, Arc::clone(&METRICS)).expect("a store");
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let what = SingleUse::new(Purpose::Proof, b"key", "1", at(NOW + 60));
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        // What it is asked is of no interest, only that it is.
        let asked = stream.read(&mut [0; 512]).await.expect("a question");
        assert_ne!(asked, 0);
        // Who asked may have read enough and gone.
        let _ = stream.write_all(reply).await;
    };
    let (used, ()) = runtime.block_on(async { tokio::join!(store.answer(&what, at(NOW)), serve) });
    let expected = match reply {
        b"+OK\r\n" => Use::First,
        b"$-1\r\n" => Use::Again,
        _ => Use::Unknown,
    };
    assert_eq!(used, expected, "{}", reply.escape_ascii());
}));
