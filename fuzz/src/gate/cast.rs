//! Who there is: certificates good and bad, and the key of the issuer. Nothing of certbound is used here.

use std::sync::LazyLock;

use rcgen::ExtendedKeyUsagePurpose;

use crate::{
    authority::{Authority, DAY, licensed},
    key::Key,
};

/// Whom the truststore holds, who else there is, and every client's certificate.
pub struct Cast {
    pub root: Authority,
    /// Issued by the root, and sent along by clients.
    pub intermediate: Authority,
    pub clients: Vec<Client>,
    /// Signs tokens; the other one is nobody's.
    pub issuer: Key,
    pub forger: Key,
    /// What tokens by `jkt` are bound to.
    pub holder: Key,
}

/// A certificate, and what is known of it because it was minted so.
pub struct Client {
    pub der: Vec<u8>,
    /// Seconds before and after [`crate::NOW`]; none: no verdict may ever believe it.
    pub good: Option<(i64, i64)>,
    pub by_intermediate: bool,
    pub licensed: bool,
}

pub static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let root = Authority::root("root", 1);
    let intermediate = root.intermediate("intermediate", 2);
    // As like the root as a stranger can make it: the name, but not the key.
    let impostor = Authority::root("root", 3);
    let client = |der, good, by_intermediate, licensed| Client { der, good, by_intermediate, licensed };
    let (long, short) = ((-DAY, DAY), (-600, 600));
    let clients = vec![
        client(root.client("alice", 10, long, |_| {}), Some(long), false, false),
        client(root.client("bob", 11, short, |_| {}), Some(short), false, false),
        client(
            root.client("tpp", 12, long, |params| params.custom_extensions.push(licensed())),
            Some(long),
            false,
            true,
        ),
        client(intermediate.client("carol", 13, long, |_| {}), Some(long), true, false),
        client(impostor.client("alice", 10, long, |_| {}), None, false, false),
        client(
            root.client("server", 14, long, |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
            None,
            false,
            false,
        ),
        client(impostor.der.clone(), None, false, false),
        client(root.der.clone(), None, false, false),
    ];
    let (issuer, forger, holder) = (Key::of(20), Key::of(21), Key::of(22));
    Cast { root, intermediate, clients, issuer, forger, holder }
});
