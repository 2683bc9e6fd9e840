use uuid::Uuid;

use super::*;
use crate::{
    proxy::status::state::{Active, Anchor, Check, Crl, Generation, History, Keys, Listener, Refusal, Reload},
    second::Second,
};

const NOW: u64 = 1_795_330_800;
const DAY: u64 = 24 * 3600;
const HOSTILE: &str = "CN=<script>alert('x')</script>\"\u{202e}";

fn minute(place: u64) -> Minute {
    let denied = u32::from(place == 59);
    let reasons = if denied > 0 { [("token_expired", 1)].into() } else { [].into() };
    Minute { time: Second::at(NOW - 60 * (59 - place)), allowed: 2, denied, would_deny: 0, reasons }
}

/// Whatever came from elsewhere is hostile.
fn state() -> State {
    let hostile = || HOSTILE.to_owned();
    let anchor = |not_after| Anchor { subject: hostile(), not_after: Second::at(not_after) };
    State {
        version: "0.1.0",
        now: Second::at(NOW),
        mode: Mode::Report,
        ready: false,
        checks: vec![Check { name: "keys", ok: false, failure: Some(hostile()) }],
        backend_exposed: true,
        generation: Generation { number: 7, since: Second::at(NOW - 300), config: hostile() },
        reload: Reload { at: Some(Second::at(NOW - 10)), faults: vec![hostile()], waiting: vec![hostile()] },
        listeners: vec![Listener { name: "status", address: hostile() }],
        active: Active { requests: 3, connections: 4 },
        anchors: [NOW - 3 * DAY, NOW + 5 * DAY, NOW + 23 * DAY, NOW + 400 * DAY].map(anchor).into(),
        crls: vec![Crl { issuer: hostile(), next_update: Second::at(NOW - 7200), read: Second::at(NOW - 90) }],
        keys: vec![Keys { issuer: hostile(), keys: 2, fetched: Some(Second::at(NOW - 6000)), refresh_seconds: 600 }],
        history: History { minutes: (0..60).map(minute).collect() },
        refusals: vec![Refusal {
            time: Second::at(NOW - 5),
            decision: "would_deny",
            code: "token_expired",
            route: Some(hostile()),
            certificate_issuer: Some(hostile()),
            interaction_id: Uuid::nil(),
        }],
    }
}

#[track_caller]
fn check(page: &str, expected: &[&str]) {
    for words in expected {
        assert!(page.contains(words), "{words} is not in\n{page}");
    }
}

#[test]
fn nothing_that_came_from_elsewhere_becomes_markup() {
    let page = of(&state(), true);
    let harmless = "CN=&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;\u{fffd}";
    // Readiness, hash, fault, waiting key, four anchors, keys, list, route, issuer, and listener.
    assert_eq!(page.matches(harmless).count(), 13, "{page}");
    for markup in ["<script", "alert('", "\u{202e}", " style=", " onclick="] {
        assert!(!page.contains(markup), "{markup} is in\n{page}");
    }
}

#[test]
fn what_is_wrong_is_said_at_the_top_and_in_words() {
    check(
        &of(&state(), true),
        &[
            "<title>certbound: Report mode, Not ready</title>",
            "Report mode: nothing is enforced",
            "Not ready</h2>",
            "The API answers past certbound",
            "The changed configuration was not applied",
            "Generation 7 stays in force",
            "Some changes wait for a restart",
            "(5 min ago)",
        ],
    );
    let reload = Reload { at: None, faults: vec![], waiting: vec![] };
    let quiet = State { mode: Mode::Enforce, ready: true, backend_exposed: false, reload, ..state() };
    let page = of(&quiet, true);
    check(&page, &["<title>certbound: Enforcing, Ready</title>"]);
    assert!(!page.contains("class=\"banner"), "{page}");
}

#[test]
fn ends_are_said_in_words_and_not_by_colour_alone() {
    let words = ["ended 3 days ago", "urgent: ends in 5 days", "soon: ends in 23 days", "ends in 400 days"];
    check(&of(&state(), true), &words);
    check(&of(&state(), true), &["overdue for 2 h", "overdue: 100 min ago"]);
    let empty = State { anchors: vec![], crls: vec![], keys: vec![], refusals: vec![], ..state() };
    check(&of(&empty, true), &["every certificate is refused", "None at hand", "None are fetched", "None since"]);
}

#[test]
fn figures_are_sums_of_the_hour_and_the_chart_says_them_aloud() {
    let label = "120 allowed, 0 would be refused, 1 refused; at most 3 in a minute.";
    check(&of(&state(), true), &["<dd>120</dd>", "<dd>1</dd>", label]);
}

#[test]
fn page_refreshes_itself_until_it_is_paused() {
    check(&of(&state(), true), &["http-equiv=\"refresh\"", "href=\"/?paused\""]);
    let paused = of(&state(), false);
    assert!(!paused.contains("http-equiv"), "{paused}");
    check(&paused, &["<a href=\"/\">"]);
}

#[test]
fn many_anchors_are_folded_away_but_those_that_end_first() {
    let anchors = (0..300).map(|day| Anchor { subject: format!("CN={day}."), not_after: Second::at(NOW + day * DAY) });
    let page = of(&State { anchors: anchors.collect(), ..state() }, true);
    let (shown, folded) = page.split_once("<summary>288 more").unwrap_or_default();
    assert!(shown.contains("CN=11.") && !shown.contains("CN=12."), "{page}");
    assert!(folded.contains("CN=12.") && folded.contains("CN=299."), "{page}");
}
