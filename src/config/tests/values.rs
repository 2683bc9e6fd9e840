//! Single values: what is understood, what is refused, what is warned of.

use std::time::Duration;

use super::*;
use crate::dialect::Dialect;

#[test]
fn value_out_of_range_or_of_another_type_is_refused() {
    check("", "mode = \"audit\"", "mode: `audit` is none of enforce, report; the nearest is");
    check("", "mode = true", "mode: boolean stands where a string belongs");
    check("listen", "address = \"8443\"", "listen.address: `8443` is not an address");
    check("listen", "http2 = \"yes\"", "listen.http2: string stands where true or false belongs");
    check("listen", "max_connections = 0", "listen.max_connections: 0 is out of range");
    check("listen", "max_requests = 0", "listen.max_requests: 0 is out of range");
    check("listen", "max_connections = -1", "listen.max_connections: -1 is out of range");
    let most = "listen.max_connections: 99999999999999999999 is out of range; write a number from 1 to 1000000";
    check("listen", "max_connections = 99999999999999999999", most);
    check("listen", "threads = 0xffffffffffffffffff", "listen.threads: 0xffffffffffffffffff is out of range");
    check("listen", "threads = \"4\"", "listen.threads: string stands where a whole number belongs");
    check(
        "errors",
        "status = { role_missing = 99999999999999999999 }",
        "errors.status.role_missing: 99999999999999999999 is not the status of a refusal",
    );
    check("listen", "idle_timeout = \"0s\"", "listen.idle_timeout: zero is no time at all");
    check("listen", "request_header_timeout = \"10\"", "listen.request_header_timeout: `10` is not a duration");
    check("listen", "max_header_bytes = \"128KB\"", "listen.max_header_bytes: `128KB` is not a size");
    check("listen", "max_header_bytes = \"0\"", "listen.max_header_bytes: `0` leaves nothing");
    check("load_balancer", "trusted_networks = \"10.0.0.0/8\"", "load_balancer.trusted_networks: string stands where");
    check("load_balancer", "trusted_networks = [\"10.0.0.1\"]", "load_balancer.trusted_networks: `10.0.0.1` is not a");
    check("load_balancer", "client_names = [\"lb\"]", "load_balancer.client_names: names without an authority");
    check("load_balancer", "on_untrusted = \"pass\"", "load_balancer.on_untrusted: `pass` is none of");
    check("client_certificate", "profile = \"ngnix\"", "client_certificate.profile: `ngnix` is none of");
    check("client_certificate", "header = \"Authorization\"", "client_certificate.header: `Authorization` has a");
    check("client_certificate", "chain_header = \"X-Chain\"", "client_certificate.chain_header: the profile wso2 has");
    check("client_certificate", "strip = [\"X Y\"]", "client_certificate.strip: `X Y` is not a header name");
    check("client_certificate", "strip = [\"X-Corp-*\"]", "client_certificate.strip: `X-Corp-*` is no pattern");
    check("truststore", "minimum_rsa_bits = 1024", "truststore.minimum_rsa_bits: 1024 is out of range");
    check("cache", "tokens = 64", "cache.tokens: integer stands where a string belongs");
    check("token.issuer", "issuer = \"as.bank.example\"", "token.issuer.issuer: `as.bank.example` is");
    check("token.issuer", "audiences = []", "token.issuer.audiences: is empty");
    check("token.issuer", "audiences = [\"\"]", "token.issuer.audiences: an audience is empty");
    check("backend", "address = \"127.0.0.1:0\"", "backend.address: port 0 cannot be connected to");
    check("backend", "response_timeout = \"0ms\"", "backend.response_timeout: zero");
    check("backend", "forward_certificate = \"pem\"", "backend.forward_certificate: `pem` is none of same, off, wso2");
    check("backend", "headers = { X-T = \"{token}\" }", "backend.headers.X-T: `token` is none of");
    check("backend", "health = \"health\"", "backend.health: `health` is not a path");
    check("backend", "tls = { certificate_file = \"a\" }", "backend.tls: certificate and key belong together");
    check(
        "errors",
        "status = { role_missing = 200 }",
        "errors.status.role_missing: 200 is not the status of a refusal",
    );
    check("errors", "status = { role_mising = 403 }", "errors.status.role_mising: `role_mising` is none of");
    check(
        "errors",
        "format = \"obie\"",
        "errors.format: `obie` is none of problem+json, obie-v3, obie-v4, berlin-group",
    );
    check("log", "level = \"verbose\"", "log.level: `verbose` is none of");
    check("audit", "sink = \"file:\"", "audit.sink: `file:` is no sink");
    check("audit", "sink = \"file:none/audit.log\"", "audit.sink: ");
    check("admin", "status_address = \"0.0.0.0:9902\"", "admin.status_address: the status page is for this machine");
}

#[test]
fn fault_stays_one_line_whatever_the_value_holds() {
    check("", "mode = \"a\\n\\u001b[2J\"", "mode: `a\\n\\u{1b}[2J` is none of enforce, report");
    check("", "\"mo\\nde\" = 1", "mo\\nde: unknown key");
}

#[test]
fn table_of_another_type_is_one_fault() {
    let check = |toml: String, expected: &str| {
        let faults = Folder::new().faults(&toml);
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains(expected), "{}", faults[0]);
    };
    let one_issuer = SMALLEST.replace("[[token.issuer]]", "[token.issuer]");
    check(one_issuer, "token.issuer: table stands where a list belongs; write it as [[token.issuer]]");
    let backend = SMALLEST.split("[backend]").next().unwrap();
    check(format!("backend = 8080\n{backend}"), "backend: integer stands where a table belongs; write it as [backend]");
    check(with(&[("backend", "tls = true")]), "backend.tls: boolean stands where a table belongs");
    check(with(&[("load_balancer", "secret_header = \"x\"")]), "load_balancer.secret_header: string stands where");
    check(with(&[("truststore", "paths = \"trust/\"")]), "truststore.paths: string stands where a list belongs");
    let (_, rest) = SMALLEST.split_once("[backend]").unwrap();
    let (start, _) = SMALLEST.split_once("[[token.issuer]]").unwrap();
    check(format!("{start}[token]\nissuer = [1]\n[backend]{rest}"), "token.issuer: integer stands where a table");
}

#[test]
fn value_of_another_type_is_one_fault_and_its_key_is_not_missed() {
    check("listen", "plaintext = \"true\"", "listen.plaintext: string stands where true or false belongs");
    check("listen", "certificate_file = 1", "listen.certificate_file: integer stands where a string belongs");
    check("token", "algorithms = [256]", "token.algorithms: integer stands where a string belongs");
    check("token.issuer", "audiences = [1]", "token.issuer.audiences: integer stands where a string belongs");
    check("truststore", "paths = [1]", "truststore.paths: integer stands where a string belongs");
    check(
        "backend",
        "tls = { certificate_file = 1, private_key_file = \"a\" }",
        "backend.tls.certificate_file: integer",
    );
    // No word for it, and nothing is taken for it: the key that is meant is missing.
    let misspelt = with(&[("listen", "plaintxt = true")]).replace("plaintext = true\n", "");
    let faults = Folder::new().faults(&misspelt);
    assert_eq!(
        faults,
        [
            "proxy.toml:1:1: listen: neither TLS nor plaintext is chosen; write plaintext = true, or certificate_file and \
             private_key_file",
            "proxy.toml:2:1: listen.plaintxt: unknown key; the nearest known key is `plaintext`",
        ]
    );
}

#[test]
fn token_rules_never_take_unsigned_or_symmetric_tokens() {
    check("token", "algorithms = [\"none\"]", "token.algorithms: `none` is no signature");
    check("token", "algorithms = [\"PS256\", \"HS256\"]", "token.algorithms: `HS256` needs a secret");
    check("token", "algorithms = [\"ES265\"]", "token.algorithms: `ES265` is none of");
    check("token", "algorithms = []", "token.algorithms: no token could be accepted");
    let types = accept("token", "types = [\"application/AT+JWT\", \"\"]").gate.issuers.rules.types;
    assert_eq!(types, ["at+jwt", ""]);
}

#[test]
fn issuer_is_configured_once() {
    let again = "[[token.issuer]]\nissuer = \"https://as.bank.example\"\naudiences = [\"b\"]\n";

    let faults = Folder::new().faults(&(SMALLEST.to_owned() + again));

    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].starts_with("proxy.toml:14:10: token.issuer.issuer: `https://as.bank.example` is configured twice")
    );
    let first_at_fault = with(&[("token.issuer", "jwks = \"none.json\"")]);
    let faults = Folder::new().faults(&(first_at_fault + again));
    assert!(faults.len() == 2 && faults[1].contains("is configured twice"), "{faults:#?}");
}

#[test]
fn backend_outside_the_pod_has_to_be_wanted() {
    check(
        "backend",
        "address = \"10.0.0.7:8080\"",
        "backend.address: the backend is outside this pod; write 127.0.0.1",
    );
    let toml = with(&[("backend", "address = \"10.0.0.7:8080\""), ("backend", "require_loopback = false")]);
    assert_eq!(Folder::new().settings(&toml).backend.address, "10.0.0.7:8080".into());
}

#[test]
fn backend_over_tls_is_always_named() {
    let named = accept("backend", "tls = {}").backend.tls.unwrap();
    assert_eq!(named.server_name.to_str(), "127.0.0.1");
    check("backend", "tls = { server_name = \"a b\" }", "backend.tls.server_name: `a b` is not a server name");
    let unix = with(&[("backend", "address = \"unix:api.sock\""), ("backend", "tls = {}")]);
    assert!(Folder::new().faults(&unix)[0].contains("backend.tls.server_name: `` is not a server name"));
}

#[test]
fn certificate_is_forwarded_as_it_came_unless_told_otherwise() {
    let names = |settings: Settings| {
        settings
            .backend
            .certificate
            .map(|c| (c.profile, c.certificate.to_string(), c.chain.map(|name| name.to_string())))
    };
    let haproxy =
        with(&[("client_certificate", "profile = \"haproxy\""), ("client_certificate", "header = \"X-Cert\"")]);
    let (profile, chain) = (crate::certificate::Profile::Haproxy, Some("x-ssl-client-chain".to_owned()));
    assert_eq!(names(Folder::new().settings(&haproxy)), Some((profile, "x-cert".to_owned(), chain)));
    let nginx = accept("backend", "forward_certificate = \"nginx\"");
    assert_eq!(names(nginx), Some((crate::certificate::Profile::Nginx, "x-ssl-client-cert".to_owned(), None)));
    assert_eq!(names(accept("backend", "forward_certificate = \"off\"")), None);
}

#[test]
fn route_demands_what_its_demands_imply() {
    let check = |require: &str, expected: (bool, bool, bool)| {
        let toml = with(&[("route", "path = \"/a\""), ("route", &format!("require = [{require}]"))]);
        let routes = Folder::new().settings(&toml).gate.routes;
        let demands = routes.iter().next().unwrap().demands;
        assert_eq!((demands.certificate, demands.token, demands.binding), expected, "{require}");
    };
    check("", (false, false, false));
    check("\"certificate\"", (true, false, false));
    check("\"token\"", (false, true, false));
    check("\"binding\"", (true, true, true));
}

#[test]
fn token_endpoint_demands_the_certificate_and_never_a_token() {
    let route = |lines: &[&str]| {
        let lines: Vec<_> = [&["path = \"/token\"", "kind = \"token\""], lines].concat();
        let lines: Vec<_> = lines.into_iter().map(|line| ("route", line)).collect();
        with(&lines)
    };
    let routes = Folder::new().settings(&route(&[])).gate.routes;
    let route_read = routes.iter().next().unwrap();
    assert_eq!(route_read.demands, crate::route::Demands { certificate: true, token: false, binding: false });
    for (line, dialect) in [
        ("methods = [\"POST\"]", Dialect::OAuth),
        ("errors = \"\"", Dialect::OAuth),
        ("errors = \"wso2\"", Dialect::Wso2),
    ] {
        let routes = Folder::new().settings(&route(&[line])).gate.routes;
        assert_eq!(routes.iter().next().unwrap().errors, Some(dialect), "{line}");
    }
    for (line, expected) in [
        ("require = [\"certificate\", \"token\"]", "route.require: at the token endpoint"),
        ("require = [\"binding\"]", "route.require: at the token endpoint"),
        ("scopes = [\"accounts\"]", "route.scopes: scopes are the token's"),
    ] {
        let faults = Folder::new().faults(&route(&[line]));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains(expected), "{}", faults[0]);
    }
}

#[test]
fn route_is_held_to_its_grammar() {
    let check = |line: &str, expected: &str| {
        let toml = with(&[("route", "path = \"/a\""), ("route", line)]);
        let faults = Folder::new().faults(&toml);
        assert_eq!(faults.len(), 1, "{line}: {faults:#?}");
        assert!(faults[0].contains(expected), "{line}: {}", faults[0]);
    };
    check("path = \"accounts\"", "route.path: ");
    check("methods = []", "route.methods: no request would fit");
    check("methods = [\"get\"]", "route.methods: `get` is not a method; the nearest is `GET`");
    check("methods = [\"TRACE\"]", "route.methods: `TRACE` is on no route");
    check("methods = [\"GET\", \"GET\"]", "route.methods: `GET` stands here twice");
    check("require = [\"cert\"]", "route.require: `cert` is none of certificate, token, binding");
    check("scopes = [\"accounts payments\"]", "route.scopes: `accounts payments` is not one scope");
    let formats = "problem+json, obie-v3, obie-v4, berlin-group, cds, oauth, wso2, empty";
    check("errors = \"xml\"", &format!("route.errors: `xml` is none of {formats}; the nearest is `cds`"));
    check("grant = \"admin\"", "route.grant: `admin` is none of any, application, user");
    check("upgrade = [\"h2c\"]", "route.upgrade: `h2c` is none of websocket");
    check("require = []\nscopes = [\"a\"]", "route.scopes: scopes are the token's");
    check("require = []\ngrant = \"user\"", "route.grant: the grant is the token's");
}

#[test]
fn collector_is_an_address_without_a_path() {
    check("tracing", "otlp_endpoint = \"127.0.0.1:4317\"", "tracing.otlp_endpoint: `127.0.0.1:4317` ");
    let path = "tracing.otlp_endpoint: `http://127.0.0.1:4318/v1/traces` has a path; spans go by gRPC";
    check("tracing", "otlp_endpoint = \"http://127.0.0.1:4318/v1/traces\"", path);
    check("tracing", "sample_percent = 101", "tracing.sample_percent: 101 is out of range");
    assert!(accept("tracing", "sample_percent = 1").tracing.is_none());
}

#[test]
#[cfg(not(feature = "otel"))]
fn collector_needs_a_build_that_has_opentelemetry() {
    let missing = "tracing.otlp_endpoint: this build has no OpenTelemetry; leave it out, or build certbound with";
    check("tracing", "otlp_endpoint = \"http://127.0.0.1:4317\"", missing);
}

#[test]
#[cfg(feature = "otel")]
fn collector_is_read_with_how_much_it_gets() {
    let tracing = accept("tracing", "otlp_endpoint = \"http://127.0.0.1:4317\"\nsample_percent = 5").tracing.unwrap();
    assert_eq!((tracing.endpoint.port_u16(), tracing.sample_percent), (Some(4317), 5));
}

#[test]
fn revocation_with_a_wrong_value_says_what_is_wrong() {
    check("revocation", "timeout = \"soon\"", "revocation.timeout: `soon` is not a duration");
    check("revocation", "methods = [\"scp\"]", "revocation.methods: `scp` is none of ocsp, crl");
    check("revocation", "methods = [\"crl\", \"crl\"]", "revocation.methods: `crl` stands here twice");
    check(
        "revocation",
        "allowed_hosts = [\"http://a.example/\"]",
        "revocation.allowed_hosts: `http://a.example/` is not",
    );
    check("revocation", "crl_files = [\"nowhere.crl\"]", "revocation.crl_files: `nowhere.crl`: No such file");
    check("revocation", "crl_files = [\"trust/\"]", "revocation.crl_files: `trust/ca.pem`: the file holds");
    check("revocation", "on_unavailable = \"pass\"", "revocation.on_unavailable: `pass` is none of deny, allow, stale");
}

#[test]
fn revocation_is_demanded_unless_it_is_written_off() {
    use crate::certificate::revocation::{Depth, Method, RevocationPolicy};

    let settings = accept("revocation", "timeout = \"3s\"");
    let demanded = RevocationPolicy::Demanded { depth: Depth::Leaf, allow_unavailable: false };
    assert_eq!(settings.gate.revocation, demanded);
    assert_eq!(settings.revocation.methods, [Method::Ocsp, Method::Crl]);
    assert_eq!(settings.revocation.max_stale, None);

    let settings = accept("revocation", "check = \"chain\"\non_unavailable = \"allow\"");
    let allowed = RevocationPolicy::Demanded { depth: Depth::Chain, allow_unavailable: true };
    assert_eq!(settings.gate.revocation, allowed);

    let settings = accept("revocation", "on_unavailable = \"stale\"\nmax_stale = \"2h\"");
    assert_eq!(settings.gate.revocation, demanded);
    assert_eq!(settings.revocation.max_stale, Some(std::time::Duration::from_secs(7200)));

    assert_eq!(accept("revocation", "methods = []").gate.revocation, RevocationPolicy::Off);
}

#[test]
fn allowed_host_is_a_name_or_an_address() {
    let settings = accept("revocation", "allowed_hosts = [\"OCSP.qtsp.example.\", \"192.0.2.1\", \"[2001:db8::1]\"]");
    assert_eq!(settings.revocation.allowed_hosts, ["ocsp.qtsp.example", "192.0.2.1", "2001:db8::1"]);
    for wrong in ["192.0.2.1:8080", "ocsp.qtsp.example:80", "http://a", "a/b", "a@b", "*.a", ""] {
        let told = format!("revocation.allowed_hosts: `{wrong}` is not a host name; write it as");
        check("revocation", &format!("allowed_hosts = [\"{wrong}\"]"), &told);
    }
}

#[test]
fn eidas_with_a_wrong_value_says_what_is_wrong() {
    check("eidas", "require = \"psd3\"", "eidas.require: `psd3` is none of off, psd2, qwac");
    let faults = Folder::new().faults(&with(&[("eidas", "require = \"psd2\"\nauthorities = [\"BaFin\"]")]));
    assert!(faults.len() == 1 && faults[0].contains("eidas.authorities: `BaFin` is not the id"), "{faults:#?}");
    check("eidas", "authorities = [\"DE-BAFIN\"]", "eidas.authorities: authorities stand in the PSD2 statement");
}

#[test]
fn roles_are_of_the_four_that_are_granted_and_need_a_certificate() {
    let faults = |line: &str| Folder::new().faults(&with(&[("route", "path = \"/a\""), ("route", line)]));
    let known = "none of PSP_AS, PSP_PI, PSP_AI, PSP_IC";
    assert!(faults("roles = [\"AISP\"]").iter().all(|fault| fault.contains(known)));
    assert_eq!(faults("require = [\"token\"]\nroles = [\"PSP_AI\"]").len(), 1);
    let settings = Folder::new().settings(&with(&[("route", "path = \"/a\""), ("route", "roles = [\"PSP_AI\"]")]));
    assert_eq!(settings.gate.routes.iter().next().map(|route| route.roles.clone()), Some(vec!["PSP_AI"]));
}

#[test]
fn legal_and_risky_settings_are_warned_of() {
    let check = |changes: &[(&str, &str)], expected: &[&str]| {
        let folder = Folder::new();
        fs::create_dir(folder.path("lists")).unwrap();
        let warnings = folder.warnings(&with(changes));
        let keys: Vec<_> = warnings.iter().map(|w| w.split(": ").nth(1).unwrap()).collect();
        let expected = expected.to_vec();
        let sorted = |mut keys: Vec<_>| {
            keys.sort_unstable();
            keys
        };
        assert_eq!(sorted(keys), sorted(expected), "{warnings:#?}");
    };
    check(&[], &[]);
    check(&[("revocation", "methods = []")], &["revocation.methods"]);
    check(&[("revocation", "on_unavailable = \"allow\"")], &["revocation.on_unavailable"]);
    check(&[("revocation", "max_stale = \"2h\"")], &["revocation.max_stale"]);
    check(&[("revocation", "max_stale = \"24h\"")], &[]);
    check(&[("revocation", "max_stale = \"2h\"\non_unavailable = \"stale\"")], &[]);
    for (require, warned) in
        [("[]", true), ("[\"token\"]", true), ("[\"certificate\"]", false), ("[\"binding\"]", false)]
    {
        let route = format!("path = \"/a\"\nrequire = {require}");
        let keys: &[&str] = if warned { &["eidas.require"] } else { &[] };
        check(&[("eidas", "require = \"psd2\""), ("route", &route)], keys);
    }
    let upgraded = |methods: &str| format!("path = \"/a\"\nupgrade = [\"websocket\"]\n{methods}");
    check(&[("route", &upgraded("methods = [\"POST\"]"))], &["route.upgrade"]);
    check(&[("route", &upgraded("methods = [\"POST\", \"GET\"]"))], &[]);
    check(&[("route", &upgraded(""))], &[]);
    check(&[("load_balancer", "trusted_networks = [\"0.0.0.0/0\"]")], &["load_balancer.trusted_networks"]);
    check(&[("load_balancer", "trusted_networks = [\"10.1.0.0/8\"]")], &["load_balancer.trusted_networks"]);
    check(&[("token", "required_claims = [\"iss\"]")], &["token.required_claims"]);
    check(&[("token", "clock_skew = \"6m\"")], &["token.clock_skew"]);
    check(&[("token.issuer", "jwks = \"http://as.bank.example/jwks\"")], &["token.issuer.jwks"]);
    check(&[("token.issuer", "jwks = \"http://127.0.0.1:9000/jwks\"")], &[]);
    check(&[("route", "path = \"/{*rest}\""), ("route", "require = []")], &["route.path"]);
    check(&[("route", "path = \"/open\""), ("route", "require = []")], &[]);
    check(&[("admin", "status_address = \"127.0.0.1:0\"")], &[]);
    check(&[("admin", "status_address = \"off\"")], &[]);
    check(&[("audit", "sink = \"off\"\nhash_chain = true")], &["audit.hash_chain"]);
    check(&[("audit", "sink = \"off\"\nhash_chain = false")], &[]);
    check(&[("audit", "hash_chain = true")], &[]);
    let chain = |form| format!("forward_certificate = \"{form}\"\nforward_chain = true");
    check(&[("backend", &chain("nginx"))], &["backend.forward_chain"]);
    check(&[("backend", &chain("off"))], &["backend.forward_chain"]);
    check(&[("backend", &chain("rfc9440"))], &[]);
    check(&[("backend", &chain("envoy"))], &[]);
    let lists = |methods| format!("methods = [{methods:?}]\ncrl_files = [\"lists/\"]");
    check(&[("revocation", &lists("ocsp"))], &["revocation.crl_files"]);
    check(&[("revocation", &lists("crl"))], &["revocation.crl_files"]);
}

#[test]
fn route_that_is_never_reached_is_warned_of() {
    let check = |routes: &[(&str, &str)], expected: bool| {
        let table = |(path, methods): &(&str, &str)| match *methods {
            "" => format!("[[route]]\npath = \"{path}\"\n"),
            methods => format!("[[route]]\npath = \"{path}\"\nmethods = [{methods}]\n"),
        };
        let toml = SMALLEST.to_owned() + &routes.iter().map(table).collect::<String>();
        let warnings = Folder::new().warnings(&toml);
        assert_eq!(warnings.iter().any(|w| w.contains("is never reached")), expected, "{routes:?}: {warnings:#?}");
    };
    check(&[("/a", ""), ("/a", "")], true);
    check(&[("/a", "\"GET\""), ("/a", "\"POST\"")], false);
    check(&[("/a", "\"GET\""), ("/{X}", "\"POST\""), ("/a", "\"GET\", \"POST\"")], true);
    check(&[("/{*rest}", "\"GET\""), ("/a", "")], false);
    check(&[("/{*rest}", ""), ("/a", "\"GET\"")], true);
    check(&[("/a", ""), ("/{*rest}", "")], false);
}

#[test]
fn quantities_arrive_in_their_units() {
    let folder = Folder::new();
    let settings = folder.settings(&with(&[
        ("listen", "idle_timeout = \"500ms\""),
        ("listen", "max_header_bytes = \"4KiB\""),
        ("listen", "drain_timeout = \"0s\""),
        ("listen", "threads = 3"),
        ("backend", "max_body_bytes = \"1MiB\""),
        ("cache", "tokens = \"0\""),
        ("errors", "status = { role_missing = 401 }"),
    ]));

    assert_eq!(settings.listen.idle_timeout, Duration::from_millis(500));
    assert_eq!(settings.listen.max_header_bytes, 4096);
    assert_eq!(settings.listen.drain_timeout, Duration::ZERO);
    assert_eq!(settings.listen.threads, 3);
    assert_eq!(settings.backend.max_body_bytes, 1 << 20);
    assert_eq!(settings.token_cache_bytes, 0);
    assert_eq!(settings.errors.status.get("role_missing"), Some(&401));
    assert!(folder.settings(SMALLEST).listen.threads >= 1);
}

#[test]
fn network_of_mapped_addresses_is_the_one_of_ipv4() {
    let networks = |text: &str| {
        let trusted = accept("load_balancer", &format!("trusted_networks = [\"{text}\"]")).gate.peers.networks;
        trusted.unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(networks("::ffff:127.0.0.0/104"), "127.0.0.0/8");
    assert_eq!(networks("::ffff:10.1.2.3/128"), "10.1.2.3/32");
    assert_eq!(networks("::ffff:0:0/96"), "0.0.0.0/0");
    assert_eq!(networks("::/0"), "::/0");
    assert_eq!(networks("fd00::/8"), "fd00::/8");
}

#[test]
fn nearest_word_is_one_that_has_the_written_one_in_it() {
    check("backend", "timeout = \"3s\"", "backend.timeout: unknown key; the nearest known key is `connect_timeout`");
    check("listen", "certificate = \"a\"", "listen.certificate: unknown key; the nearest known key is `certificate_f");
    check("load_balancer", "networks = []", "load_balancer.networks: unknown key; the nearest known key is `trusted_n");
    let json = "errors.format: `json` is none of problem+json, obie-v3, obie-v4, berlin-group";
    check("errors", "format = \"json\"", json);
    let faults = Folder::new().faults(&with(&[("errors", "format = \"json\"")]));
    assert!(faults.concat().contains("the nearest is `problem+json`"), "{faults:#?}");
}

#[test]
fn header_that_requests_have_a_use_for_carries_no_secret_and_no_certificate() {
    for name in ["Cookie", "x-forwarded-for", "x-fapi-interaction-id"] {
        let secret = format!("secret_header = {{ name = \"{name}\", value_file = \"proxy.toml\" }}");
        check(
            "load_balancer",
            &secret,
            &format!("load_balancer.secret_header.name: `{name}` has a meaning of its own"),
        );
        let header = format!("header = \"{name}\"");
        check("client_certificate", &header, &format!("client_certificate.header: `{name}` has a meaning of its own"));
    }
}
