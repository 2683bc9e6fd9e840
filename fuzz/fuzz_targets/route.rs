//! Of two routes the first that fits a path is found, which is where reading template and path segment by segment says so; a
//! template that covers another fits wherever the other does.
#![no_main]

use certbound::route::{Demands, RequestPath, Route, Routes, Template};
use http::Method;
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;

// Two templates and a path, with spaces between them, which neither holds.
fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, ' ');
    let mut next = || parts.next().unwrap_or_default();
    let (Ok(one), Ok(other), path) = (Template::parse(next()), Template::parse(next()), next()) else { return };
    let Ok(parsed) = RequestPath::parse(path.as_bytes()) else { return };
    let fit = [&one, &other].map(|template| fits(template.as_str(), path, |wanted, given| wanted == given));
    for (template, fit) in [&one, &other].into_iter().zip(fit) {
        if fit && template.has_place() {
            assert!(template.last_place(parsed).is_none_or(|place| path.split('/').any(|segment| segment == place)));
        }
    }
    assert!(!(one.covers(&other) && fit[1]) || fit[0], "{input}");
    let routes = Routes::new([&one, &other].map(|template| Route::new(template.clone(), Demands::default())).into());
    let found = routes.find(parsed, &Method::GET).ok().map(|(place, _)| place);
    let first = [&one, &other].iter().position(|template| fits(template.as_str(), path, says_the_same));
    let first_as_written = fit.iter().position(|fit| *fit);
    // Where a backend that decodes the path would find another route, none is.
    assert_eq!(found, first_as_written.filter(|_| first == first_as_written), "{input}");
});

fn says_the_same(one: &str, other: &str) -> bool {
    percent_decode_str(one).eq(percent_decode_str(other))
}

/// The same by another way: from the texts, from the left.
fn fits(template: &str, path: &str, same: fn(&str, &str) -> bool) -> bool {
    let (Some(template), Some(path)) = (template.strip_prefix('/'), path.strip_prefix('/')) else {
        return template.is_empty() && path.is_empty();
    };
    let end = |text: &str| text.find('/').unwrap_or(text.len());
    let (wanted, more_wanted) = template.split_at(end(template));
    let (given, more_given) = path.split_at(end(path));
    let fit = if wanted.starts_with('{') { !given.is_empty() } else { same(wanted, given) };
    wanted.starts_with("{*") || fit && fits(more_wanted, more_given, same)
}
