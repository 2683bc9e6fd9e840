//! Prometheus, with its configuration and its rules from `deploy/`.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use serde_json::Value;

use crate::support::{
    bank::Bank,
    config::Config,
    connection::Connection,
    pki::Pki,
    process::{Process, find},
    sidecar::Sidecar,
};

#[test]
fn prometheus_reads_the_metrics_and_evaluates_the_rules_of_the_alerts() {
    let Some(program) = find("prometheus") else { return };
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).start();
    let Pki { alice, mallory, .. } = Pki::get();
    assert_eq!(sidecar.get("/accounts").by(alice).send().status, 200);
    assert_eq!(sidecar.get("/accounts").showing(mallory).bearing(alice.token()).send().code(), "binding_mismatch");
    assert_eq!(bank.requests(), 1);

    let mut prometheus = Prometheus::watching(&sidecar, &program);

    let decided = r#"certbound_decisions_total{decision="deny",reason="binding_mismatch",mode="enforce"}"#;
    prometheus.await_sample(decided, "1");
    prometheus.await_sample(r#"certbound_decisions_total{decision="allow"}"#, "1");
    prometheus.await_sample("count(http_server_request_duration_seconds_bucket) > bool 0", "1");
    prometheus.await_sample(r#"up{job="certbound"}"#, "1");
    // Certificates of the tests end within 30 days, so that some alerts are pending.
    prometheus.await_page("rules", |rules| {
        let Some(rules) = rules["groups"][0]["rules"].as_array() else { return false };
        assert!(rules.len() > 10, "{rules:?}");
        assert!(rules.iter().all(|rule| rule["health"] != "err" && rule["state"] != "firing"), "{rules:?}");
        rules.iter().all(|rule| rule["health"] == "ok")
    });
}

/// A running Prometheus. It ends with this value.
struct Prometheus<'a> {
    process: Process,
    address: SocketAddr,
    sidecar: &'a Sidecar,
}

impl<'a> Prometheus<'a> {
    fn watching(sidecar: &'a Sidecar, program: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let of_deploy = |file: &str| {
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus").join(file)).unwrap()
        };
        let mut text = of_deploy("prometheus.yaml");
        for (from, to) in [("127.0.0.1:9901", sidecar.admin_address().to_string().as_str()), (": 30s", ": 1s")] {
            assert!(text.contains(from), "{text}");
            text = text.replace(from, to);
        }
        fs::write(folder.path().join("prometheus.yaml"), text).unwrap();
        fs::write(folder.path().join("alerts.yaml"), of_deploy("alerts.yaml")).unwrap();
        let arguments = ["--config.file=prometheus.yaml", "--web.listen-address=127.0.0.1:0"];
        let mut process = Process::start(Command::new(program).args(arguments), folder);
        let address = process.await_some(address).expect("Prometheus says where it listens");
        Self { process, address, sidecar }
    }

    /// Waits until `query` has this one value.
    fn await_sample(&mut self, query: &str, value: &str) {
        let query = format!("query?query={}", percent_encoded(query));
        self.await_page(&query, |data| {
            let found = data["result"].as_array();
            found.is_some_and(|found| matches!(found.as_slice(), [only] if only["value"][1] == value))
        });
    }

    fn await_page(&mut self, page: &str, is_so: impl Fn(&Value) -> bool) {
        let (address, sidecar) = (self.address, self.sidecar);
        let found = self.process.await_some(|_| is_so(&ask(sidecar, address, page)).then_some(()));
        assert!(found.is_some(), "{page} stays at {}", ask(sidecar, address, page));
    }
}

/// The data of a page of its HTTP API; null as long as it is not ready, which is after it listens.
fn ask(sidecar: &Sidecar, address: SocketAddr, page: &str) -> Value {
    let mut connection = Connection::tcp(address);
    let request = sidecar.get(&format!("/api/v1/{page}")).header("Connection", "close");
    let answer = request.send_on(&mut connection);
    if answer.status == 503 {
        return Value::Null;
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"].clone()
}

/// Where it listens, which is on a port of its own choice.
fn address(log: &str) -> Option<SocketAddr> {
    log.lines().find_map(|line| line.split_once(r#"msg="Listening on" address="#)?.1.trim().parse().ok())
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
