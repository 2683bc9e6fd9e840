//! A template fits a path exactly where reading both segment by segment says so; one that covers another fits wherever the
//! other does.
#![no_main]

use certbound::route::{RequestPath, Template};
use libfuzzer_sys::fuzz_target;

// Two templates and a path, with spaces between them, which neither holds.
fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, ' ');
    let mut next = || parts.next().unwrap_or_default();
    let (Ok(one), Ok(other), path) = (Template::parse(next()), Template::parse(next()), next()) else { return };
    let Ok(parsed) = RequestPath::parse(path.as_bytes()) else { return };
    for template in [&one, &other] {
        assert_eq!(template.matches(parsed), fits(template.as_str(), path), "{} {path}", template.as_str());
        if template.matches(parsed) && template.has_place() {
            assert!(template.last_place(parsed).is_none_or(|place| path.split('/').any(|segment| segment == place)));
        }
    }
    assert!(!(one.covers(&other) && other.matches(parsed)) || one.matches(parsed), "{input}");
});

/// The same by another way: from the texts, from the left.
fn fits(template: &str, path: &str) -> bool {
    let (Some(template), Some(path)) = (template.strip_prefix('/'), path.strip_prefix('/')) else {
        return template.is_empty() && path.is_empty();
    };
    let end = |text: &str| text.find('/').unwrap_or(text.len());
    let (wanted, more_wanted) = template.split_at(end(template));
    let (given, more_given) = path.split_at(end(path));
    let fit = if wanted.starts_with('{') { !given.is_empty() } else { wanted == given };
    wanted.starts_with("{*") || fit && fits(more_wanted, more_given)
}
