//! The caller's trace goes on at the backend (W3C Trace Context).

use pingora::http::RequestHeader;

use crate::observe::trace::{
    Trace, TraceParent,
    context::{TRACEPARENT, TRACESTATE},
};

/// Writes into `request` what the backend is told of its trace.
///
/// Without a trace of certbound's own a well-formed `traceparent` passes as it is, with `tracestate`, which is the participants'
/// affair and is not read; one that is malformed or doubled goes, as does a `tracestate` without it. None is made up: a trace
/// that nobody records helps nobody. With a trace, certbound is the caller.
///
/// # Errors
/// A header that Pingora cannot hold.
pub(super) fn carry_on(request: &mut RequestHeader, trace: Option<&Trace>, vouched: bool) -> pingora::Result<()> {
    let is_continued = match trace {
        Some(trace) => {
            request.insert_header(TRACEPARENT, trace.outgoing(vouched).value())?;
            trace.is_continued()
        }
        None => TraceParent::of(&request.headers).is_some(),
    };
    if !is_continued {
        if trace.is_none() && request.headers.contains_key(&TRACEPARENT) {
            request.remove_header(&TRACEPARENT);
        }
        if request.headers.contains_key(&TRACESTATE) {
            request.remove_header(&TRACESTATE);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::time::Instant;

    use prometheus_client::metrics::counter::Counter;

    use super::*;
    use crate::observe::Spans;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// What of these the backend gets.
    fn carried(sent: &[(&'static str, &str)], spans: Option<&Spans>) -> Vec<String> {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for (name, value) in sent {
            request.append_header(*name, *value).unwrap();
        }
        let trace = spans.map(|spans| spans.begin(&request.headers, Instant::now()));
        carry_on(&mut request, trace.as_deref(), true).unwrap();
        request.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn well_formed_parent_passes_as_it_is_and_nothing_is_made_up() {
        let check = |sent: &[(&'static str, &str)], expected: &[&str]| assert_eq!(carried(sent, None), expected);
        let whole = format!("traceparent: {PARENT}");
        check(&[], &[]);
        check(&[("traceparent", PARENT)], &[&whole]);
        check(&[("traceparent", PARENT), ("tracestate", "a=1")], &[&whole, "tracestate: a=1"]);
        check(&[("tracestate", "a=1")], &[]);
        check(&[("traceparent", "nonsense"), ("tracestate", "a=1")], &[]);
        check(&[("traceparent", PARENT), ("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")], &[]);
    }

    #[test]
    fn trace_of_its_own_continues_the_callers_under_a_new_span() {
        let (spans, _end) = Spans::queue(100, Counter::default());
        let [parent, state] =
            carried(&[("traceparent", PARENT), ("tracestate", "a=1")], Some(&spans)).try_into().unwrap();
        assert!(parent.starts_with("traceparent: 00-0af7651916cd43dd8448eb211c80319c-") && parent.ends_with("-01"));
        assert!(!parent.contains("b7ad6b7169203331"));
        assert_eq!(state, "tracestate: a=1");

        let [parent] = carried(&[("traceparent", "nonsense"), ("tracestate", "a=1")], Some(&spans)).try_into().unwrap();
        assert!(parent.starts_with("traceparent: 00-") && parent.ends_with("-03"), "{parent}");
        assert!(!parent.contains("0af7651916cd43dd8448eb211c80319c"));
    }
}
