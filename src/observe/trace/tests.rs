#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use http::HeaderValue;

use super::{
    context::TRACEPARENT,
    span::{Kind, Server, Span, Value},
    *,
};
use crate::{
    denial::Denial,
    observe::{record::Decision, sample},
};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0";

fn begin(spans: &Spans, parent: Option<&str>) -> Box<Trace> {
    let mut headers = HeaderMap::new();
    headers.extend(parent.map(|parent| (TRACEPARENT, HeaderValue::from_str(parent).unwrap())));
    spans.begin(&headers, Instant::now())
}

fn ended(decision: Decision, parent: Option<&str>) -> Vec<Span> {
    let (spans, mut end) = Spans::queue(100, Counter::default());
    let mut trace = begin(&spans, parent);
    let began = trace.began;
    trace.asked("introspection", began);
    spans.end(trace, &sample::record(decision), Some(began));
    end.try_recv().unwrap().spans(&Server { address: "127.0.0.1".to_owned(), port: Some(8080) })
}

fn attribute<'a>(span: &'a Span, name: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[test]
fn request_becomes_a_tree_of_spans() {
    let spans = ended(Decision::Allow, Some(&format!("{PARENT}1")));

    let kinds: Vec<_> = spans.iter().map(|span| (span.kind, span.name.as_str())).collect();
    let server = (Kind::Server, "GET /accounts/{AccountId}");
    assert_eq!(kinds, [server, (Kind::Internal, "introspection"), (Kind::Client, "GET")]);
    assert!(spans.iter().all(|span| span.trace == spans[0].trace));
    assert!(spans[1..].iter().all(|span| span.parent == Some(spans[0].id) && !span.remote));
    assert!(spans[0].remote && spans[0].flags() == 0x301);
    assert_eq!(attribute(&spans[0], "http.route"), Some(&Value::Text("/accounts/{AccountId}".to_owned())));
    assert_eq!(attribute(&spans[2], "server.port"), Some(&Value::Number(8080)));
    assert_eq!(spans[2].took, Duration::from_micros(900));
    assert!(spans.iter().all(|span| !span.failed && attribute(span, "url.path").is_none()));
}

#[test]
fn failure_of_the_backend_is_on_both_its_spans() {
    let (spans, mut end) = Spans::queue(100, Counter::default());
    let trace = begin(&spans, None);
    let began = trace.began;
    let record = Record { status: Some(504), backend: None, ..sample::record(Decision::Deny(Denial::BackendTimeout)) };
    spans.end(trace, &record, Some(began));
    let spans = end.try_recv().unwrap().spans(&Server { address: "a".to_owned(), port: None });

    assert_eq!(spans[0].parent, None);
    assert_eq!(attribute(&spans[0], "error.type"), Some(&Value::Text("504".to_owned())));
    assert_eq!(attribute(&spans[0], "certbound.reason"), Some(&Value::Text("backend_timeout".to_owned())));
    assert_eq!(attribute(&spans[1], "error.type"), Some(&Value::Text("backend_timeout".to_owned())));
    assert!(spans.iter().all(|span| span.failed));
}

#[test]
fn caller_decides_what_is_recorded_only_through_a_trusted_peer() {
    let check = |percent: usize, flags: Option<char>, vouched: bool, expected: bool| {
        let (spans, _end) = Spans::queue(percent, Counter::default());
        let parent = flags.map(|flags| format!("{PARENT}{flags}"));
        let trace = begin(&spans, parent.as_deref());
        let told = trace.outgoing(vouched);
        assert_eq!(told.is_sampled(), expected, "{percent} {flags:?} {vouched}");
        assert_eq!(told.span, trace.backend);
        assert_eq!(told.trace.to_string() == "0af7651916cd43dd8448eb211c80319c", flags.is_some());
    };
    for (percent, vouched) in [(0, true), (100, true)] {
        check(percent, Some('1'), vouched, true);
        check(percent, Some('0'), vouched, false);
    }
    check(0, Some('1'), false, false);
    check(100, Some('0'), false, true);
    for vouched in [true, false] {
        check(0, None, vouched, false);
        check(100, None, vouched, true);
    }
}

#[test]
fn share_of_the_requests_is_recorded() {
    let (spans, _end) = Spans::queue(25, Counter::default());
    let chosen = (0..4000).filter(|_| begin(&spans, None).chosen).count();
    assert!((800..1200).contains(&chosen), "{chosen} of 4000");
}

#[test]
fn what_finds_no_room_is_counted_and_lost() {
    let lost = Counter::default();
    let (spans, mut end) = Spans::queue(100, lost.clone());
    for _ in 0..ROOM + 3 {
        spans.end(begin(&spans, None), &sample::record(Decision::Allow), None);
    }
    assert_eq!(lost.get(), 3);
    assert!(end.try_recv().is_ok());
}
