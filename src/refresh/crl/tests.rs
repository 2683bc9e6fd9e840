#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{fs, os::unix::fs::symlink, path::Path};

use tempfile::TempDir;

use super::*;
use crate::{
    certificate::revocation::{
        Issued, Method, Standing, Status,
        minted::{Authority, now},
    },
    observe::Metrics,
};

/// An operator's folder, and a certificate with serial number 5 that is looked for in its CRLs.
struct Operator {
    authority: Authority,
    folder: TempDir,
    about: Arc<Issued>,
    metrics: Arc<Metrics>,
}

impl Operator {
    fn new() -> Self {
        let authority = Authority::named("Bank CA");
        let about = Arc::new(authority.client(&[5], &[]));
        let metrics = Arc::new(Metrics::new());
        Self { authority, folder: tempfile::tempdir().unwrap(), about, metrics }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A CRL with these serial numbers on it.
    fn list(&self, serials: &[&[u8]]) -> Vec<u8> {
        self.authority.list(serials, 3600)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    /// Starts with what is in `path` now.
    fn watch(&self, path: &Path) -> CrlWatch {
        let paths = vec![path.to_owned()];
        let settings = Revocation {
            methods: vec![Method::Crl],
            timeout: Duration::from_secs(1),
            cache_ttl: Duration::from_secs(3600),
            max_stale: None,
            crl_refresh: Duration::from_secs(3600),
            allowed_hosts: Vec::new(),
            allow_private_addresses: false,
            crl_files: paths,
        };
        let looks = Fingerprint::of(&settings.crl_files);
        let files = CrlFiles::new(revocation::crls(&settings.crl_files).unwrap());
        let store = RevocationStore::following(None, &settings, files, Arc::clone(&self.metrics)).unwrap();
        CrlWatch::new(&settings, looks, store, Arc::clone(&self.metrics)).unwrap()
    }

    /// Whether the certificate is revoked; none where no CRL says anything.
    async fn is_revoked(&self, watch: &CrlWatch) -> Option<bool> {
        watch.store.answer(&self.about, now(0)).await;
        match watch.store.known(&self.about, now(0)) {
            Standing::Known { status, .. } => Some(status != Status::Good),
            _ => None,
        }
    }
}

#[tokio::test]
async fn file_that_changes_is_used_at_the_next_look() {
    let operator = Operator::new();
    operator.write("a.crl", operator.list(&[]));
    let mut watch = operator.watch(&operator.path("a.crl"));
    assert_eq!(operator.is_revoked(&watch).await, Some(false));

    operator.write("a.crl", operator.list(&[&[5]]));
    watch.look().await;

    assert_eq!(operator.is_revoked(&watch).await, Some(true));
}

#[tokio::test]
async fn file_that_comes_into_the_folder_or_leaves_it_is_seen() {
    let operator = Operator::new();
    operator.write("a.crl", operator.list(&[]));
    let mut watch = operator.watch(operator.folder.path());
    let newer = operator.authority.list(&[&[5]], 7200);

    operator.write("b.crl", newer);
    fs::remove_file(operator.path("a.crl")).unwrap();
    watch.look().await;

    assert_eq!(operator.is_revoked(&watch).await, Some(true));
}

#[tokio::test]
async fn folder_whose_data_kubernetes_swaps_is_seen() {
    let operator = Operator::new();
    let (without, with) = (operator.list(&[&[6]]), operator.list(&[&[5]]));
    for (version, list) in [("..1", &without), ("..2", &with)] {
        fs::create_dir(operator.path(version)).unwrap();
        operator.write(&format!("{version}/a.crl"), list);
    }
    symlink("..1", operator.path("..data")).unwrap();
    symlink("..data/a.crl", operator.path("a.crl")).unwrap();
    let mut watch = operator.watch(operator.folder.path());
    assert_eq!(operator.is_revoked(&watch).await, Some(false));

    symlink("..2", operator.path("..new")).unwrap();
    fs::rename(operator.path("..new"), operator.path("..data")).unwrap();
    watch.look().await;

    assert_eq!(operator.is_revoked(&watch).await, Some(true));
}

#[tokio::test]
async fn old_lists_stay_while_the_new_ones_are_at_fault() {
    let operator = Operator::new();
    operator.write("a.crl", operator.list(&[&[5]]));
    let mut watch = operator.watch(operator.folder.path());
    let page = operator.metrics.encode().0;
    assert!(page.contains("certbound_crl_next_update_timestamp_seconds{issuer=\"CN=Bank CA\"}"), "{page}");

    operator.write("b.crl", "a page of excuses");
    watch.look().await;
    assert!(watch.fault.as_ref().unwrap().contains("b.crl"), "{:?}", watch.fault);
    assert_eq!(operator.is_revoked(&watch).await, Some(true), "garbage");

    fs::remove_file(operator.path("a.crl")).unwrap();
    fs::remove_file(operator.path("b.crl")).unwrap();
    watch.look().await;
    assert_eq!(watch.fault.as_deref(), Some("no CRL is left"));
    assert_eq!(operator.is_revoked(&watch).await, Some(true), "an empty folder");

    operator.write("a.crl", operator.list(&[]));
    watch.look().await;
    assert_eq!(watch.fault, None);
    assert_eq!(operator.is_revoked(&watch).await, Some(false), "mended");
}

#[tokio::test(start_paused = true)]
async fn files_at_fault_are_read_again_after_a_minute_when_they_change_or_when_that_is_demanded() {
    let operator = Operator::new();
    operator.write("a.crl", operator.list(&[&[5]]));
    let mut watch = operator.watch(operator.folder.path());
    let no_list_is_at_fault = |watch: &CrlWatch| watch.store.replace_files(CrlFiles::new(Vec::new()));
    let in_vain = async |watch: &mut CrlWatch| {
        let lists = crate::certificate::revocation::crl::read(operator.list(&[])).unwrap();
        watch.store.replace_files(CrlFiles::new(lists));
        watch.look().await;
        assert_eq!(watch.fault.as_deref(), Some("no CRL is left"));
        // Nothing that the files show: only who reads them finds that the fault is over.
        no_list_is_at_fault(watch);
        watch.look_again().await;
        assert!(watch.fault.is_some(), "the same files were read at once");
    };
    fs::remove_file(operator.path("a.crl")).unwrap();

    in_vain(&mut watch).await;
    tokio::time::advance(PATIENCE).await;
    watch.look_again().await;
    assert_eq!(watch.fault, None);

    watch.held = Fingerprint::default();
    in_vain(&mut watch).await;
    watch.look().await;
    assert_eq!(watch.fault, None, "demanded");

    watch.held = Fingerprint::default();
    in_vain(&mut watch).await;
    operator.write("a.crl", operator.list(&[]));
    watch.look_again().await;
    assert_eq!((watch.fault.as_deref(), watch.store.has_files()), (None, true), "changed");
}

#[tokio::test]
async fn nothing_is_replaced_where_nothing_changed() {
    let operator = Operator::new();
    operator.write("a.crl", operator.list(&[]));
    let mut watch = operator.watch(&operator.path("a.crl"));
    assert_eq!(operator.is_revoked(&watch).await, Some(false));

    watch.look().await;

    // Lists that were replaced would make the certificate asked about anew.
    assert_ne!(watch.store.known(&operator.about, now(0)), Standing::NotAsked);
}

#[tokio::test(start_paused = true)]
async fn files_are_looked_at_every_few_seconds() {
    let operator = Operator::new();
    operator.write("a.crl", operator.list(&[]));
    let watch = operator.watch(&operator.path("a.crl"));
    let store = Arc::clone(&watch.store);
    store.answer(&operator.about, now(0)).await;
    let running = tokio::spawn(CrlWatch::run(Arc::new(Mutex::new(watch))));

    operator.write("a.crl", operator.list(&[&[5]]));

    // The clock is moved on to the next timer whenever nothing else is to be done.
    let begun = Instant::now();
    while store.known(&operator.about, now(0)) != Standing::NotAsked {
        sleep(Duration::from_secs(1)).await;
        assert!(begun.elapsed() < Duration::from_secs(6), "nobody has looked");
    }
    running.abort();
}

#[test]
fn nothing_is_watched_where_nobody_asks() {
    let operator = Operator::new();
    operator.write("a.crl", operator.list(&[]));
    let store = operator.watch(&operator.path("a.crl")).store;
    let settings = |methods: &[Method], crl_files: &[&str]| Revocation {
        methods: methods.to_vec(),
        timeout: Duration::from_secs(1),
        cache_ttl: Duration::from_secs(1),
        max_stale: None,
        crl_refresh: Duration::from_secs(1),
        allowed_hosts: Vec::new(),
        allow_private_addresses: false,
        crl_files: crl_files.iter().map(PathBuf::from).collect(),
    };
    let watched = |settings| {
        CrlWatch::new(&settings, Fingerprint::default(), Arc::clone(&store), Arc::clone(&operator.metrics)).is_some()
    };
    assert!(watched(settings(&[Method::Crl], &["a.crl"])));
    assert!(!watched(settings(&[Method::Crl], &[])));
    assert!(!watched(settings(&[], &["a.crl"])));
}
