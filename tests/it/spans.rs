//! A collector that somebody else wrote understands what is exported.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        introspector::{Introspector, active},
        pki::{Pki, pem},
        process::{self, Process},
        token::ISSUER,
    },
    verdict::{assert_passed, assert_refused},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// gRPC for Python with OpenTelemetry's messages. It ends with this value.
struct Collector {
    process: Process,
    port: u16,
}

impl Collector {
    /// None, said loudly, where Python or its packages are missing; in CI that is a failure.
    fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// By TLS, as `localhost`.
    fn over_tls() -> Option<Self> {
        let server = Pki::get().infrastructure.server(&["localhost"]);
        Self::with(&[("tls.key", server.key_pem()), ("tls.crt", server.pem())])
    }

    fn with(files: &[(&str, String)]) -> Option<Self> {
        let python = process::find("python3")?;
        let imports = "import grpc, opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc";
        let found = Command::new(&python).args(["-c", imports]).output().unwrap();
        if !found.status.success() {
            process::skip("no collector; `pip install grpcio opentelemetry-proto` installs what it needs");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collector/collector.py");
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(python);
        command.arg(script);
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
            command.arg(name);
        }
        let mut process = Process::start(&mut command, folder);
        let port =
            process.await_some(|log| log.lines().find_map(|line| line.strip_prefix("listening on ")?.parse().ok()));
        Some(Self { process, port: port.expect("the collector starts") })
    }

    fn config(&self, config: Config) -> Config {
        config.set("tracing.otlp_endpoint", &format!("\"http://127.0.0.1:{}\"", self.port))
    }

    /// Every span so far, once there are `count`.
    fn spans(&mut self, count: usize) -> Vec<Span> {
        let found = self.process.await_some(|log| {
            let calls = log.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("EXPORT ")?).ok());
            let spans: Vec<Span> = calls.flat_map(|call: Value| spans(&call)).collect();
            (spans.len() >= count).then_some(spans)
        });
        found.unwrap_or_else(|| panic!("fewer than {count} spans"))
    }
}

/// A span as OpenTelemetry's own JSON has it.
#[derive(Debug)]
struct Span {
    whole: Value,
    attributes: BTreeMap<String, String>,
}

impl Span {
    fn text(&self, name: &str) -> &str {
        self.whole[name].as_str().unwrap_or_default()
    }

    fn time(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap()
    }

    fn attributes(&self, names: &[&str]) -> Vec<&str> {
        names.iter().map(|name| self.attributes.get(*name).map_or("", String::as_str)).collect()
    }
}

fn spans(call: &Value) -> Vec<Span> {
    let resource = &call["resourceSpans"][0];
    assert_eq!(attributes(&resource["resource"])["service.name"], "certbound");
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
    spans.iter().map(|span| Span { attributes: attributes(span), whole: span.clone() }).collect()
}

fn attributes(of: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value["stringValue"].as_str().or(value["intValue"].as_str()).unwrap().to_owned();
    let pairs = of["attributes"].as_array().into_iter().flatten();
    pairs.map(|pair| (pair["key"].as_str().unwrap().to_owned(), text(&pair["value"]))).collect()
}

/// As JSON has bytes.
fn base64(hex: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};

    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    BASE64_STANDARD.encode(bytes)
}

#[test]
fn request_with_an_opaque_token_is_a_tree_of_spans_in_the_callers_trace() {
    let Some(mut collector) = Collector::start() else { return };
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let config = introspector.asked_by(Config::in_front_of(&bank), "jwks = \"keys.json\"");
    let sidecar = collector.config(config).route("path = \"/accounts/{AccountId}\"").start();
    let alice = &Pki::get().alice;
    introspector.knows("opaque-secret", active(alice));
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");

    let request = sidecar.get("/accounts/DE89370400?q=1").showing(alice).bearing("opaque-secret");
    let answer = request.header("traceparent", &parent).header("tracestate", "a=1").send();

    let seen = assert_passed(&answer, &bank);
    let spans = collector.spans(3);
    let [request, question, backend] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((request.text("name"), request.text("kind")), ("GET /accounts/{AccountId}", "SPAN_KIND_SERVER"));
    assert_eq!((question.text("name"), question.text("kind")), ("introspection", "SPAN_KIND_INTERNAL"));
    assert_eq!((backend.text("name"), backend.text("kind")), ("GET", "SPAN_KIND_CLIENT"));
    assert!(spans.iter().all(|span| span.text("traceId") == base64(TRACE)));
    assert_eq!(request.text("parentSpanId"), base64("b7ad6b7169203331"));
    for part in [question, backend] {
        assert_eq!(part.text("parentSpanId"), request.text("spanId"));
        assert!(part.time("startTimeUnixNano") >= request.time("startTimeUnixNano"));
        assert!(part.time("startTimeUnixNano") <= part.time("endTimeUnixNano"));
        assert!(part.time("endTimeUnixNano") <= request.time("endTimeUnixNano"));
    }
    assert!(question.time("endTimeUnixNano") <= backend.time("startTimeUnixNano"));
    let told: Vec<_> = seen.header("traceparent").unwrap().split('-').collect();
    assert_eq!((told[1], base64(told[2]).as_str(), told[3]), (TRACE, backend.text("spanId"), "01"));
    assert_eq!(seen.header("tracestate"), Some("a=1"));
    let names = ["http.request.method", "http.route", "http.response.status_code", "certbound.decision"];
    assert_eq!(request.attributes(&names), ["GET", "/accounts/{AccountId}", "200", "allow"]);
    let port = bank.address().rsplit_once(':').unwrap().1;
    assert_eq!(backend.attributes(&["server.address", "server.port"]), ["127.0.0.1", port]);
    let everything = format!("{spans:?}");
    for secret in ["DE89370400", "q=1", "opaque-secret", "psu-7", "tpp-1", &alice.thumbprint()] {
        assert!(!everything.contains(secret), "{secret} is in the spans");
    }
    assert_eq!(sidecar.log("access", 1)[0]["trace_id"], TRACE);
}

#[test]
fn refusal_is_recorded_with_its_reason_and_leaves_at_the_end_at_the_latest() {
    let Some(mut collector) = Collector::start() else { return };
    let bank = Bank::start();
    let mut sidecar = collector.config(Config::in_front_of(&bank)).start();

    assert_refused(&sidecar.get("/a").send(), "certificate_missing", &bank);
    sidecar.signal("TERM");
    assert!(sidecar.exit().is_some_and(|status| status.success()));

    let spans = collector.spans(1);
    let decided = spans[0].attributes(&["certbound.decision", "certbound.reason", "http.response.status_code"]);
    assert_eq!(decided, ["deny", "certificate_missing", "401"]);
    assert_eq!((spans.len(), spans[0].text("parentSpanId")), (1, ""));
}

#[test]
fn spans_go_by_tls_to_a_collector_that_the_configured_authority_vouches_for() {
    let Some(mut collector) = Collector::over_tls() else { return };
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("tracing.otlp_endpoint", &format!("\"https://localhost:{}\"", collector.port))
        .set("tracing.ca_file", r#""collector.pem""#)
        .file("collector.pem", pem(&Pki::get().infrastructure.der))
        .start();

    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);

    assert_eq!(collector.spans(2)[1].text("kind"), "SPAN_KIND_CLIENT");
}

#[test]
fn caller_that_does_not_record_is_not_recorded_here() {
    let Some(mut collector) = Collector::start() else { return };
    let bank = Bank::start();
    let sidecar = collector.config(Config::in_front_of(&bank)).start();
    let alice = &Pki::get().alice;
    let unsampled = format!("00-{TRACE}-b7ad6b7169203331-00");

    let answer = sidecar.get("/a").by(alice).header("traceparent", &unsampled).send();
    let told = assert_passed(&answer, &bank).header("traceparent").unwrap().to_owned();
    assert!(told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-00"), "{told}");
    assert_passed(&sidecar.get("/b").by(alice).send(), &bank);

    // The second request's two, and none of the first's.
    assert!(collector.spans(2).iter().all(|span| span.text("traceId") != base64(TRACE)));
}

#[test]
fn collector_that_is_not_there_costs_no_request_and_is_told_of() {
    let bank = Bank::start();
    let endpoint = format!("\"http://{}\"", Bank::closed());
    let mut sidecar = Config::in_front_of(&bank).set("tracing.otlp_endpoint", &endpoint).start();

    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
    sidecar.await_metrics(|page| page.contains("certbound_spans_lost_total 1"));
    assert_eq!(sidecar.event("spans_not_exported")["requests"], 1);

    sidecar.signal("TERM");
    assert!(sidecar.exit().is_some_and(|status| status.success()));
    let said = format!("{:?} {ISSUER}", sidecar.stdout());
    assert!(!said.contains(Pki::get().alice.token().as_str()));
}
