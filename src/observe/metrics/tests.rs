use http::Method;

use super::*;
use crate::{
    config::settings::Mode,
    denial::Denial,
    observe::{Regime, record::Decision, sample},
};

fn metrics() -> Metrics {
    Metrics::new()
}

fn check(metrics: &Metrics, lines: &[&str]) {
    let (text, _) = metrics.encode();
    for line in lines {
        assert!(text.lines().any(|found| found == *line), "{line} is not in\n{text}");
    }
}

#[test]
fn decisions_are_counted_by_what_was_decided_and_why() {
    let metrics = metrics();
    for decision in [
        Decision::Allow,
        Decision::Allow,
        Decision::Deny(Denial::CertificateMissing { why: "" }),
        Decision::WouldDeny(Denial::TokenRepeated),
    ] {
        metrics.record(&sample::record(decision));
    }
    check(
        &metrics,
        &[
            r#"certbound_decisions_total{decision="allow",reason="",route="/accounts/{AccountId}",mode="enforce"} 2"#,
            r#"certbound_decisions_total{decision="deny",reason="certificate_missing",route="/accounts/{AccountId}",mode="enforce"} 1"#,
            r#"certbound_decisions_total{decision="would_deny",reason="token_repeated",route="/accounts/{AccountId}",mode="enforce"} 1"#,
            r#"http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/accounts/{AccountId}"} 4"#,
            r#"http_server_request_duration_seconds_bucket{le="0.005",http_request_method="GET",http_response_status_code="200",http_route="/accounts/{AccountId}"} 4"#,
            r#"http_client_request_duration_seconds_count{peer="backend"} 4"#,
        ],
    );
}

#[test]
fn made_up_method_and_unknown_route_add_no_labels() {
    let metrics = metrics();
    let mut record = sample::record(Decision::Deny(Denial::RouteUnknown));
    record.method = Method::from_bytes(b"STEAL").ok();
    record.findings.route = None;
    record.status = None;
    metrics.record(&record);
    check(
        &metrics,
        &[
            r#"certbound_decisions_total{decision="deny",reason="route_unknown",route="",mode="enforce"} 1"#,
            r#"http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="",http_route=""} 1"#,
        ],
    );
}

#[test]
fn cache_look_ups_are_counted_where_there_was_one() {
    let metrics = metrics();
    let mut record = sample::record(Decision::Allow);
    record.findings.lookups.certificate = Some(Lookup::Hit);
    metrics.record(&record);
    record.findings.lookups.token = Some(Lookup::Miss);
    metrics.record(&record);
    check(
        &metrics,
        &[
            r#"certbound_certificate_cache_total{result="hit"} 2"#,
            r#"certbound_certificate_cache_total{result="miss"} 0"#,
            r#"certbound_token_cache_total{result="hit"} 0"#,
            r#"certbound_token_cache_total{result="miss"} 1"#,
        ],
    );
}

#[test]
fn stripped_headers_are_counted_by_name() {
    let metrics = metrics();
    metrics.stripped(&"client-cert".into());
    metrics.stripped(&"client-cert".into());
    metrics.stripped(&"x-arr-clientcert".into());
    check(
        &metrics,
        &[
            r#"certbound_headers_stripped_total{header="client-cert"} 2"#,
            r#"certbound_headers_stripped_total{header="x-arr-clientcert"} 1"#,
        ],
    );
}

#[test]
fn request_is_active_until_its_guard_is_dropped() {
    let metrics = metrics();
    let (one, two) = (metrics.request_begins(), metrics.request_begins());
    check(&metrics, &["http_server_active_requests 2"]);
    drop((one, two));
    check(&metrics, &["http_server_active_requests 0"]);
}

#[test]
fn configuration_shows_in_gauges() {
    let end = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let anchors = [("CN=Root \"A\"", end(2000)), ("CN=B", end(5)), ("CN=Root \"A\"", end(1000))];
    let metrics = metrics();
    let own = [("listen.certificate_file", end(7)), ("backend.tls.certificate_file", end(9))];
    metrics.configuration.taken([("CN=Gone", end(1))].into_iter(), own.into_iter(), true);
    metrics.configuration.taken(anchors.into_iter(), own.into_iter().take(1), false);
    let version = env!("CARGO_PKG_VERSION");
    check(
        &metrics,
        &[
            r#"certbound_truststore_anchor_not_after_timestamp_seconds{anchor="CN=Root \"A\""} 1000"#,
            r#"certbound_truststore_anchor_not_after_timestamp_seconds{anchor="CN=B"} 5"#,
            r#"certbound_own_certificate_not_after_timestamp_seconds{file="listen.certificate_file"} 7"#,
            "certbound_config_last_reload_successful 1",
            "certbound_config_restart_required 0",
            &format!(r#"certbound_build_info{{version="{version}"}} 1"#),
        ],
    );
    let regime = Regime { mode: Mode::Report, configuration: "hash".into() };
    metrics.record(&Record { regime: Arc::new(regime), ..sample::record(Decision::Allow) });
    metrics.configuration.refused(true);
    check(&metrics, &["certbound_config_last_reload_successful 0", "certbound_config_restart_required 1"]);
    metrics.configuration.lists_read(true);
    check(&metrics, &["certbound_config_last_reload_successful 0"]);
    metrics.configuration.taken(anchors.into_iter(), std::iter::empty(), false);
    metrics.configuration.lists_read(false);
    check(&metrics, &["certbound_config_last_reload_successful 0"]);
    metrics.configuration.lists_read(true);
    check(&metrics, &["certbound_config_last_reload_successful 1"]);
    let (text, _) = metrics.encode();
    assert!(text.contains(r#"mode="report"} 1"#), "{text}");
    assert!(!text.contains("CN=Gone"), "{text}");
    assert!(!text.contains("certificate_file"), "{text}");
    assert!(text.contains("certbound_config_last_reload_success_timestamp_seconds 1"), "{text}");
}

#[test]
fn exposition_is_text_that_ends_as_openmetrics_wants() {
    let (text, content_type) = metrics().encode();
    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn plain_exposition_names_counters_as_their_samples() {
    let metrics = metrics();
    metrics.stripped(&"client-cert".into());
    let (text, content_type) = metrics.encode_plain();
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "# HELP certbound_headers_stripped_total Identity headers taken out of requests.",
        "# TYPE certbound_headers_stripped_total counter",
        r#"certbound_headers_stripped_total{header="client-cert"} 1"#,
        "# TYPE http_server_active_requests gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("# EOF"), "{text}");
}

#[test]
fn threads_that_meet_a_new_label_at_once_lose_no_count() {
    let metrics = metrics();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    metrics.stripped(&"client-cert".into());
                    metrics.stripped(&"x-client-cert".into());
                }
            });
        }
    });
    check(
        &metrics,
        &[
            r#"certbound_headers_stripped_total{header="client-cert"} 8000"#,
            r#"certbound_headers_stripped_total{header="x-client-cert"} 8000"#,
        ],
    );
}
