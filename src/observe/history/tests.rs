#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::{thread, time::Duration};

use super::*;
use crate::observe::sample;

fn at(minute: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(minute * 60 + 7)
}

fn happened(history: &History, minute: u64, decision: Decision) {
    history.record(&Record { time: at(minute), ..sample::record(decision) });
}

#[test]
fn decisions_are_counted_in_the_minute_of_their_arrival() {
    let history = History::new();
    happened(&history, 1000, Decision::Allow);
    happened(&history, 1000, Decision::Allow);
    happened(&history, 1000, Decision::Deny(Denial::TokenExpired { expired: 1 }));
    happened(&history, 1001, Decision::WouldDeny(Denial::RoleMissing));

    let hour = history.last_hour(at(1001));

    assert_eq!((hour.len(), hour[0].minute, hour[59].minute), (60, 942, 1001));
    let first = Minute { minute: 1000, allowed: 2, denied: 1, would_deny: 0, reasons: vec![("token_expired", 1)] };
    let second = Minute { minute: 1001, allowed: 0, denied: 0, would_deny: 1, reasons: vec![("role_missing", 1)] };
    assert_eq!(hour[58..], [first, second]);
    assert!(hour[..58].iter().all(|minute| minute.allowed + minute.denied + minute.would_deny == 0));
}

#[test]
fn what_is_older_than_an_hour_is_gone_whether_or_not_its_place_was_taken() {
    let history = History::new();
    happened(&history, 1000, Decision::Allow);
    let allowed = |now| history.last_hour(at(now)).iter().map(|minute| minute.allowed).sum::<u32>();
    assert_eq!((allowed(1000), allowed(1059), allowed(1060), allowed(1064)), (1, 1, 0, 0));

    happened(&history, 1064, Decision::Allow);
    assert_eq!(allowed(1064), 1);
}

#[test]
fn request_that_took_longer_than_the_hour_disturbs_no_later_minute() {
    let history = History::new();
    happened(&history, 1064, Decision::Allow);
    happened(&history, 1000, Decision::Allow);
    assert_eq!(history.last_hour(at(1064))[59].allowed, 1);
}

#[test]
fn no_count_is_lost_between_threads() {
    let history = History::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| happened(&history, 1000, Decision::Allow)));
        }
    });
    assert_eq!(history.last_hour(at(1000))[59].allowed, 2000);
}

#[test]
fn count_that_is_full_stays_full() {
    let cell = Cell(AtomicU64::new((1000 << 32) | MOST));
    cell.count(1000);
    assert_eq!(cell.of(1000), u32::MAX);
}

#[test]
fn time_before_1970_or_beyond_all_calendars_is_counted_without_a_panic() {
    let history = History::new();
    for time in [UNIX_EPOCH - Duration::from_secs(1), UNIX_EPOCH + Duration::from_secs(1 << 60)] {
        history.record(&Record { time, ..sample::record(Decision::Allow) });
        assert_eq!(history.last_hour(time).last().unwrap().allowed, 1);
    }
}

#[test]
fn last_fifty_refusals_are_kept_the_newest_first() {
    let history = History::new();
    for minute in 0..60 {
        happened(&history, minute, Decision::Deny(Denial::TokenExpired { expired: 1 }));
        happened(&history, minute, Decision::Allow);
    }

    let refusals = history.refusals();

    assert_eq!((refusals.len(), refusals[0].time, refusals[49].time), (50, at(59), at(10)));
    assert_eq!((refusals[0].decision, refusals[0].code), ("deny", "token_expired"));
    assert_eq!(refusals[0].route.as_deref(), Some(sample::TEMPLATE));
}
