//! The shape of the source: arrows point up the list of `src/lib.rs`, the core is pure, and Pingora has one place.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn module_uses_only_modules_above_it() {
    let order = modules();
    let place = |name: &str| order.iter().position(|module| module == name);
    let mut broken = Vec::new();
    for source in sources("src") {
        let Some(module) = module_of(&source) else { continue };
        let own = place(&module).unwrap_or_else(|| panic!("{module} is not in lib.rs"));
        for used in used_modules(&code(&source)) {
            if place(&used).is_some_and(|used| used > own) {
                broken.push(format!("{}: {module} uses {used}, which stands below it", source.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn codemap_is_in_the_order_of_the_modules() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    // What has a place in another module is told beside it.
    let told: Vec<_> = rows.map(|(module, _)| module).filter(|module| !module.contains('/')).collect();
    assert_eq!(told, modules());
}

#[test]
fn arrow_that_points_down_is_found() {
    let uses = |code: &str| used_modules(code);

    assert_eq!(uses("use crate::gate::Known;"), ["gate"]);
    assert_eq!(
        uses("use crate::{\n    config::settings::{Settings, KeySource},\n    gate,\n    UnixTime,\n};"),
        ["config", "gate"]
    );
    assert_eq!(uses("let x = crate::proxy::run();"), ["proxy"]);
    assert!(uses("use std::fs;").is_empty());
}

#[test]
fn core_is_pure() {
    let order = modules();
    let gate = order.iter().position(|module| module == "gate").unwrap();
    let mut broken = Vec::new();
    for source in sources("src") {
        let core = module_of(&source).is_some_and(|module| order[..=gate].contains(&module));
        for (number, line) in code(&source).lines().enumerate() {
            for impure in IMPURE {
                if core && line.contains(impure) {
                    broken.push(format!("{}:{}: {impure}", source.display(), number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// What needs a file, a socket, a clock, or someone to wait.
const IMPURE: [&str; 11] = [
    "std::fs",
    "fs::",
    "net::Tcp",
    "net::Udp",
    "UnixStream",
    "tokio",
    "pingora",
    "async ",
    "SystemTime",
    "Instant::now",
    "UnixTime::now",
];

#[test]
fn pingora_is_used_in_proxy_alone() {
    let uses = |source: &Path| {
        let code = code(source);
        code.contains("pingora::") || code.contains("use pingora")
    };
    let (proxy, others): (Vec<_>, Vec<_>) = sources("src")
        .into_iter()
        .filter(|source| uses(source))
        .partition(|source| module_of(source).as_deref() == Some("proxy"));
    assert!(!proxy.is_empty());
    assert!(others.is_empty(), "{others:?}");
}

/// What Pingora's cache answers was judged for someone else, and a younger version may parse otherwise.
#[test]
fn pingora_is_of_one_version_and_caches_nothing() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let pingora = manifest.lines().find(|line| line.starts_with("pingora = ")).unwrap();
    assert!(pingora.contains("version = \"=") && pingora.contains("default-features = false"), "{pingora}");
    assert!(pingora.contains("features = [\"proxy\", \"rustls\", \"time\"]"), "{pingora}");
    for source in sources("src/proxy") {
        assert!(!code(&source).contains("request_cache_filter"), "{}", source.display());
    }
}

/// A look-up that nobody waits for any more keeps a thread, so `outside/names` makes each once at a time.
#[test]
fn names_are_looked_up_in_one_place() {
    // The second binds listeners, before there is a request.
    let places = ["outside/names.rs", "listen/socket.rs"];
    let looks = |source: &PathBuf| {
        let code = code(source);
        ["lookup_host", "to_socket_addrs", "HttpConnector::new()"].iter().any(|way| code.contains(way))
    };
    let (known, others): (Vec<_>, Vec<_>) =
        sources("src").into_iter().filter(looks).partition(|source| places.iter().any(|place| source.ends_with(place)));
    assert_eq!(known.len(), places.len());
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn file_fits_into_a_head() {
    let mut long = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for source in sources(folder) {
            let lines = fs::read_to_string(&source).unwrap().lines().count();
            if lines > 500 {
                long.push(format!("{}: {lines} lines", source.display()));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// `eprintln!` and its kin panic where nobody reads, and the exit code is then another.
#[test]
fn what_is_printed_cannot_panic() {
    let panics = |source: &PathBuf| code(source).contains("print!(") || code(source).contains("println!(");
    let broken: Vec<_> = sources("src").into_iter().filter(panics).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn module_has_a_noun_for_a_name() {
    for source in sources("src") {
        let name = source.file_stem().unwrap().to_str().unwrap();
        for empty in ["util", "utils", "helper", "helpers", "manager", "common", "handler", "data", "misc"] {
            assert_ne!(name, empty, "{}", source.display());
        }
    }
}

/// In the order of lib.rs.
fn modules() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines = text.lines().map(|line| line.strip_prefix("pub ").unwrap_or(line));
    let names = lines.filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    let names: Vec<_> = names.map(str::to_owned).collect();
    assert!(names.len() > 10);
    names
}

/// The first word below `src`; none for lib.rs and main.rs, which see everything.
fn module_of(source: &Path) -> Option<String> {
    let inside = source.strip_prefix(root().join("src")).unwrap();
    let first = Path::new(inside.iter().next().unwrap()).file_stem().unwrap().to_str().unwrap();
    (first != "lib" && first != "main").then(|| first.to_owned())
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

/// The source without comments and without its tests, which may use whatever they need.
fn code(source: &Path) -> String {
    let name = source.file_name().unwrap();
    let text = fs::read_to_string(source).unwrap();
    if name == "tests.rs" || is_test_module(source) {
        return String::new();
    }
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line }).collect::<Vec<_>>().join("\n")
}

/// Whether the module that holds this file takes it in for tests only.
fn is_test_module(source: &Path) -> bool {
    let name = source.file_stem().unwrap().to_str().unwrap();
    let folder = source.parent().unwrap();
    [folder.join("mod.rs"), folder.with_extension("rs")].iter().any(|parent| {
        let text = fs::read_to_string(parent).unwrap_or_default();
        let text = text.lines().filter(|line| !line.starts_with("#[expect")).collect::<Vec<_>>().join("\n");
        [format!("#[cfg(test)]\nmod {name};"), format!("#[cfg(test)]\npub(crate) mod {name};")]
            .iter()
            .any(|line| text.contains(line))
    })
}

/// The modules that stand right behind `crate::`, in braces or not.
fn used_modules(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            None => used.push(word(rest)),
            Some(list) => used.extend(members(list).into_iter().map(|member| word(&member))),
        }
    }
    used.retain(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase()));
    used
}

/// The members of a list up to its closing brace, whatever stands in braces within them.
fn members(list: &str) -> Vec<String> {
    let (mut depth, mut members) = (0_usize, vec![String::new()]);
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            _ if depth == 0 => members.last_mut().unwrap().push(letter),
            _ => {}
        }
    }
    members
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
