//! Path templates: literal segments and named places, no regular expressions.

use std::sync::Arc;

use crate::route::RequestPath;

/// A path template: literal segments, `{Name}` (one or more bytes of one segment), `{*rest}` (zero or more of what is
/// left).
///
/// What is left begins after a `/`: `/a/{*rest}` fits `/a/` and all below it, and not `/a`.
#[derive(Clone, Debug)]
pub struct Template {
    text: Arc<str>,
    segments: Box<[Segment]>,
}

/// One segment of a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    /// Byte for byte; empty only as the last, after a closing `/`.
    Literal(Box<str>),
    /// `{Name}`: anything but nothing.
    Any,
    /// `{*rest}`, the last.
    Rest,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner =
            text.strip_prefix('/').ok_or_else(|| format!("`{text}` does not begin with `/`; write it as `/{text}`"))?;
        let mut segments = Vec::new();
        let mut names = Vec::new();
        for part in inner.split('/') {
            if segments.len() == MOST_SEGMENTS {
                return Err(format!("it has more than {MOST_SEGMENTS} segments; end it earlier with `{{*rest}}`"));
            }
            if segments.last() == Some(&Segment::Rest) {
                return Err("`{*…}` stands for all that is left; write it as the last segment".to_owned());
            }
            let segment = Segment::parse(part, &mut names)?;
            segments.push(segment);
        }
        if let Some((_, before)) = segments.split_last()
            && before.contains(&Segment::Literal("".into()))
        {
            return Err("an empty segment fits no request; write one `/` for `//`".to_owned());
        }
        Ok(Self { text: text.into(), segments: segments.into() })
    }

    /// As written: the label for logs and metrics.
    pub fn as_str(&self) -> &Arc<str> {
        &self.text
    }

    /// What stands between the slashes.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it has a named place.
    pub fn has_place(&self) -> bool {
        self.segments.iter().any(|segment| !matches!(segment, Segment::Literal(_)))
    }

    /// What the last named place stands for in a path that fits.
    pub fn last_place<'a>(&self, path: RequestPath<'a>) -> Option<&'a str> {
        let place = self.segments.iter().rposition(|segment| !matches!(segment, Segment::Literal(_)))?;
        match self.segments.get(place)? {
            // All that is left may be several segments, and an identifier with a slash in it is none that is taken here.
            Segment::Rest => path.segments().nth(place).filter(|_| path.segments().count() == place + 1),
            Segment::Any | Segment::Literal(_) => path.segments().nth(place),
        }
    }

    /// Whether it ends in `{Name}`, with a slash behind it or without.
    pub fn ends_named(&self) -> bool {
        let named = |segment: &&Segment| !matches!(segment, Segment::Literal(literal) if literal.is_empty());
        self.segments.iter().rfind(named) == Some(&Segment::Any)
    }

    /// Whether every path that fits `other` fits `self` too, so that `other` after `self` is never reached.
    pub fn covers(&self, other: &Self) -> bool {
        let mut others = other.segments.iter();
        for segment in &self.segments {
            let covered = match (segment, others.next()) {
                (_, None) => false,
                (Segment::Rest, Some(_)) => return true,
                (_, Some(Segment::Rest)) => false,
                (Segment::Any, Some(Segment::Any)) => true,
                (Segment::Any, Some(Segment::Literal(literal))) => !literal.is_empty(),
                (Segment::Literal(ours), Some(Segment::Literal(theirs))) => ours == theirs,
                (Segment::Literal(_), Some(Segment::Any)) => false,
            };
            if !covered {
                return false;
            }
        }
        others.next().is_none()
    }

    /// Whether it ends in `{*rest}`.
    pub fn is_open_ended(&self) -> bool {
        self.segments.last() == Some(&Segment::Rest)
    }
}

impl Segment {
    fn parse<'a>(part: &'a str, names: &mut Vec<&'a str>) -> Result<Self, String> {
        let Some(inner) = part.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) else {
            return Self::literal(part);
        };
        let (segment, name) = match inner.strip_prefix('*') {
            Some(name) => (Self::Rest, name),
            None => (Self::Any, inner),
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
            return Err(format!(
                "`{part}` has no name of letters, digits, `_`, and `-`; write it as `{{AccountId}}` or `{{*rest}}`"
            ));
        }
        if names.contains(&name) {
            return Err(format!("`{name}` stands for two segments; give each its own name"));
        }
        names.push(name);
        Ok(segment)
    }

    /// Only a literal that a request may have can ever fit.
    fn literal(part: &str) -> Result<Self, String> {
        if part.contains(['{', '}']) {
            return Err(format!(
                "`{part}` mixes text and a name; a name takes a whole segment, as in `/accounts/{{AccountId}}`"
            ));
        }
        RequestPath::parse(format!("/{part}").as_bytes())
            .map_err(|denial| format!("`{part}` fits no request, because that is refused as `{}`", denial.code()))?;
        Ok(Self::Literal(part.into()))
    }
}

/// More than any API has, and few enough to go down one by one.
const MOST_SEGMENTS: usize = 128;

#[cfg(test)]
impl Template {
    /// Whether `path` fits, segment by segment: what the tree of all routes is held to.
    pub(super) fn matches(&self, path: RequestPath<'_>) -> bool {
        let mut given = path.segments();
        for segment in &self.segments {
            let Some(given) = given.next() else { return false };
            match segment {
                Segment::Literal(literal) if **literal == *given => {}
                Segment::Any if !given.is_empty() => {}
                Segment::Rest => return true,
                Segment::Literal(_) | Segment::Any => return false,
            }
        }
        given.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    fn check(template: &str, path: &str, expected: bool) {
        let path = RequestPath::parse(path.as_bytes()).unwrap();
        assert_eq!(Template::parse(template).unwrap().matches(path), expected, "{template} {}", path.as_str());
    }

    #[test]
    fn literal_segments_fit_byte_for_byte() {
        check("/", "/", true);
        check("/", "/a", false);
        check("/a/b", "/a/b", true);
        for path in ["/a", "/a/b/", "/a/B", "/a/b/c", "/a/bb", "/", "/b/a", "/ab"] {
            check("/a/b", path, false);
        }
        check("/a/", "/a/", true);
        check("/a/", "/a", false);
        check("/a%20b", "/a%20b", true);
    }

    #[test]
    fn name_fits_one_segment_that_is_not_empty() {
        check("/a/{Id}", "/a/1", true);
        check("/a/{Id}", "/a/%C3%A9", true);
        for path in ["/a", "/a/", "/a/1/", "/a/1/b", "/b/1"] {
            check("/a/{Id}", path, false);
        }
        check("/{A}/b/{C}", "/1/b/2", true);
        check("/{A}/b/{C}", "/1/c/2", false);
    }

    #[test]
    fn rest_fits_all_that_is_left_after_the_slash() {
        for path in ["/", "/a", "/a/", "/a/b/c"] {
            check("/{*rest}", path, true);
        }
        for path in ["/a/", "/a/b", "/a/b/", "/a/b/c"] {
            check("/a/{*rest}", path, true);
        }
        for path in ["/a", "/", "/ab", "/ab/c"] {
            check("/a/{*rest}", path, false);
        }
        check("/{A}/{*rest}", "/a/", true);
        check("/{A}/{*rest}", "/a", false);
    }

    #[test]
    fn template_that_can_never_fit_is_refused_with_the_remedy() {
        for (template, hint) in [
            ("", "begin with `/`"),
            ("a", "`/a`"),
            ("{*rest}", "begin with `/`"),
            ("/{*rest}/a", "last"),
            ("/{*rest}/", "last"),
            ("/{}", "no name"),
            ("/{*}", "no name"),
            ("/{a.b}", "no name"),
            ("/{a}/{a}", "two segments"),
            ("/{a}/{*a}", "two segments"),
            ("/a{b}", "mixes"),
            ("/{a}b", "mixes"),
            ("/{a", "mixes"),
            ("/a//b", "empty segment"),
            ("//", "empty segment"),
            (&"/a".repeat(129), "128 segments"),
            ("/a/../b", "path_ambiguous"),
            ("/a;b", "path_ambiguous"),
            ("/%61", "path_ambiguous"),
            ("/a b", "request_malformed"),
            ("/a?b", "request_malformed"),
        ] {
            let refused = Template::parse(template).unwrap_err();
            assert!(refused.contains(hint), "{template}: {refused}");
        }
    }

    #[test]
    fn template_covers_another_when_nothing_is_left_for_it() {
        for (first, second, covers) in [
            ("/a", "/a", true),
            ("/a", "/b", false),
            ("/a", "/a/", false),
            ("/{X}", "/a", true),
            ("/{X}", "/{Y}", true),
            ("/{X}", "/", false),
            ("/a", "/{X}", false),
            ("/{*rest}", "/", true),
            ("/{*rest}", "/a/{X}/b", true),
            ("/{*rest}", "/{*all}", true),
            ("/a/{*rest}", "/a", false),
            ("/a/{*rest}", "/a/", true),
            ("/a/{*rest}", "/{*rest}", false),
            ("/{X}/{*rest}", "/a/{*rest}", true),
            ("/{X}", "/{*rest}", false),
            ("/a/b", "/a", false),
            ("/a", "/a/b", false),
        ] {
            let (first, second) = (Template::parse(first).unwrap(), Template::parse(second).unwrap());
            assert_eq!(first.covers(&second), covers, "{} {}", first.as_str(), second.as_str());
        }
    }

    #[test]
    fn last_name_stands_for_one_segment_wherever_it_is() {
        for (template, path, expected, ends_named) in [
            ("/register/{Id}", "/register/a", Some("a"), true),
            ("/register/{Id}/", "/register/a/", Some("a"), true),
            ("/{Realm}/register/{Id}/keys", "/r/register/a/keys", Some("a"), false),
            ("/register/{*rest}", "/register/a", Some("a"), false),
            ("/register/{*rest}", "/register/a/b", None, false),
            ("/register", "/register", None, false),
        ] {
            let (template, path) = (Template::parse(template).unwrap(), RequestPath::parse(path.as_bytes()).unwrap());
            assert_eq!(template.last_place(path), expected, "{}", template.as_str());
            assert_eq!(template.ends_named(), ends_named, "{}", template.as_str());
        }
    }

    #[test]
    fn only_a_template_that_takes_the_rest_is_open_ended() {
        assert!(Template::parse("/a/{*rest}").unwrap().is_open_ended());
        assert!(!Template::parse("/a/{rest}").unwrap().is_open_ended());
    }

    proptest! {
        #[test]
        fn path_that_fits_a_covered_template_fits_the_one_that_covers_it(
            first in r"(/(a|b|\{X\}|\{Y\})){0,3}(/|/\{\*rest\})?",
            second in r"(/(a|b|\{X\}|\{Y\})){0,3}(/|/\{\*rest\})?",
            paths in proptest::collection::vec(r"(/[abc]){0,4}/?", 20),
        ) {
            if let (Ok(first), Ok(second)) = (Template::parse(&first), Template::parse(&second)) {
                for path in paths.iter().filter_map(|path| RequestPath::parse(path.as_bytes()).ok()) {
                    let uncovered = second.matches(path) && !first.matches(path);
                    prop_assert!(!(first.covers(&second) && uncovered), "{first:?} {second:?} {path:?}");
                }
            }
        }
    }
}
