//! `[revocation]`: whether certificates are asked about, whom, and what is done while nobody answers.

use std::{
    fmt::Display,
    io, mem,
    path::{Path, PathBuf},
};

use crate::{
    certificate::revocation::{
        Depth, Method, RevocationPolicy,
        crl::{self, UnverifiedCrl},
    },
    config::{
        Crls, address,
        fault::Wrong,
        fingerprint::Fingerprint,
        folder,
        reading::{self, Placed, Reading},
        settings::Revocation,
        table::{Table, among},
    },
};

/// What is demanded of certificates, and how issuers are asked. None where something is at fault.
pub(super) fn read(mut table: Table<'_>) -> (RevocationPolicy, Option<(Revocation, Crls)>) {
    let methods = methods(&mut table);
    let while_unavailable =
        table.choice("on_unavailable", ("deny", While::Deny), &[("allow", While::Allow), ("stale", While::Stale)]);
    let max_stale = table.duration("max_stale", "24h");
    if while_unavailable != While::Stale && table.is_other("max_stale") {
        let what = "no answer is taken that is older than it says, whatever stands here";
        table.reading.warn(&table.place_of("max_stale"), what, "write on_unavailable = \"stale\", or leave it out");
    }
    let depth = table.choice("check", ("leaf", Depth::Leaf), &[("chain", Depth::Chain)]);
    let crl_files = table.strings("crl_files").unwrap_or_default();
    let resolved: Vec<_> = crl_files.iter().map(|path| table.reading.resolve(&path.value)).collect();
    let settings = Revocation {
        timeout: table.duration("timeout", "2s"),
        cache_ttl: table.duration("cache_ttl", "1h"),
        max_stale: (while_unavailable == While::Stale).then_some(max_stale),
        crl_refresh: table.duration("crl_refresh", "1h"),
        allowed_hosts: address::hosts(&mut table, "allowed_hosts"),
        allow_private_addresses: table.boolean("allow_private_addresses", false),
        crl_files: resolved,
        methods,
    };
    let looks = Fingerprint::of(&settings.crl_files);
    if settings.methods.is_empty() {
        return (RevocationPolicy::Off, Some((settings, Crls { lists: Vec::new(), looks })));
    }
    let crls: Vec<_> = crl_files.iter().map(|path| lists_of(table.reading, path)).collect();
    let allow_unavailable = while_unavailable == While::Allow;
    if allow_unavailable {
        let what = "a certificate passes while nobody tells whether it is revoked";
        table.reading.warn(&table.place_of("on_unavailable"), what, "write \"stale\" or \"deny\"");
    }
    let crls = crls.into_iter().collect::<Option<Vec<_>>>().map(|crls| crls.concat());
    if crls.is_none() {
        // While they can be read, whoever asks about revocation looks at them; now the configuration waits for them.
        table.reading.watch_since(looks.clone());
    }
    let policy = RevocationPolicy::Demanded { depth, allow_unavailable };
    (policy, crls.map(|lists| (settings, Crls { lists, looks })))
}

/// Every CRL in the files and folders. Hidden names in a folder are left out: Kubernetes keeps its versions in `..data`.
///
/// # Errors
/// The first file that cannot be read, or that holds something else.
pub fn crls(paths: &[PathBuf]) -> io::Result<Vec<UnverifiedCrl>> {
    let mut found = Vec::new();
    let at = |path: &Path, why: &dyn Display| io::Error::other(format!("`{}`: {why}", path.display()));
    for path in paths {
        for file in folder::files(path).map_err(|error| at(path, &error))? {
            let bytes = reading::bounded(&file, crl::MAX_BYTES).map_err(|error| at(&file, &error))?;
            let lists = crl::read(mem::take(&mut *reading::without_mark(bytes)));
            found.extend(lists.map_err(|why| at(&file, &why))?);
        }
    }
    Ok(found)
}

fn methods(table: &mut Table<'_>) -> Vec<Method> {
    let mut methods = Vec::new();
    for name in table.strings_or("methods", &["ocsp", "crl"]) {
        let method = among(&name.value, &[("ocsp", Method::Ocsp), ("crl", Method::Crl)]);
        let Some(method) = table.reading.settle(&name.place, method) else { continue };
        if methods.contains(&method) {
            table.reading.fault(&name.place, format!("`{}` stands here twice", name.value), "write it once");
        }
        methods.push(method);
    }
    if table.is_given("methods") && methods.is_empty() {
        let what = "revoked certificates are accepted until they expire";
        table.reading.warn(&table.place_of("methods"), "revocation is off", what);
    }
    methods
}

fn lists_of(reading: &Reading<'_>, path: &Placed<String>) -> Option<Vec<UnverifiedCrl>> {
    let lists = crls(&[reading.resolve(&path.value)]);
    let wrong = |error: io::Error| Wrong::new(error.to_string(), "give CRLs as their issuer wrote them, in PEM or DER");
    let lists = reading.settle(&path.place, lists.map_err(wrong))?;
    folder::warn_of_inner(reading, path);
    if lists.is_empty() {
        let what = format!("the folder `{}` holds no CRL", path.value);
        reading.warn(&path.place, what, "put CRLs there; they are read as soon as they come");
    }
    if lists.iter().any(|list| list.next_update() < reading.now) {
        let what = format!("a CRL in `{}` is past its nextUpdate and answers nothing", path.value);
        reading.warn(&path.place, what, "fetch the newer one");
    }
    Some(lists)
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum While {
    Deny,
    Allow,
    Stale,
}
