//! Routes by the segments of their templates, so that finding one costs the length of the path and not their number.

use std::{borrow::Cow, collections::HashMap, str::Split};

use ahash::RandomState;
use percent_encoding::percent_decode_str;

use super::{RequestPath, Template, template::Segment};

/// What templates have in common up to one segment, and how they go on.
///
/// Routes are known by their place in the order.
#[derive(Debug, Default)]
pub(super) struct Tree {
    literals: HashMap<Box<str>, Self, RandomState>,
    /// The literals once more, by what they say.
    spellings: HashMap<Box<[u8]>, Vec<Box<str>>, RandomState>,
    /// Whether something is percent-encoded in a literal.
    is_encoded: bool,
    /// Below `{Name}`.
    any: Option<Box<Self>>,
    /// Those whose template ends here.
    ends: Vec<usize>,
    /// Those that take all that is left, `{*rest}`.
    rests: Vec<usize>,
}

impl Tree {
    /// In the order in which routes are tried.
    pub(super) fn of<'a>(templates: impl Iterator<Item = &'a Template>) -> Self {
        let mut tree = Self::default();
        templates.enumerate().for_each(|(place, template)| tree.insert(template.segments(), place));
        tree
    }

    /// Shows `found` every route that the path fits, in no order, and whether its literals stand in the path as they are
    /// written: `a:b` may come as `a%3Ab`, which many a server takes for the same.
    ///
    /// All ways on are followed where a segment fits literals and a name, as deep as templates reach.
    pub(super) fn search(&self, path: RequestPath<'_>, found: &mut impl FnMut(usize, bool)) {
        self.descend(path.segments(), true, found);
    }

    fn descend(&self, mut left: Split<'_, char>, as_written: bool, found: &mut impl FnMut(usize, bool)) {
        let Some(segment) = left.next() else {
            return self.ends.iter().for_each(|place| found(*place, as_written));
        };
        self.rests.iter().for_each(|place| found(*place, as_written));
        if let Some(below) = self.literals.get(segment) {
            below.descend(left.clone(), as_written, found);
        }
        for below in self.written_otherwise(segment) {
            below.descend(left.clone(), false, found);
        }
        if let Some(below) = self.any.as_ref().filter(|_| !segment.is_empty()) {
            below.descend(left, as_written, found);
        }
    }

    /// Below the literals that say what `segment` says in other bytes.
    fn written_otherwise(&self, segment: &str) -> impl Iterator<Item = &Self> {
        let may_be = self.is_encoded || segment.contains('%');
        let spellings = may_be.then(|| self.spellings.get(&*said(segment))).flatten();
        let others = spellings.into_iter().flatten().filter(move |literal| ***literal != *segment);
        others.filter_map(|literal| self.literals.get(literal))
    }

    fn insert(&mut self, segments: &[Segment], place: usize) {
        match segments.split_first() {
            None => self.ends.push(place),
            Some((Segment::Rest, _)) => self.rests.push(place),
            Some((Segment::Any, below)) => self.any.get_or_insert_default().insert(below, place),
            Some((Segment::Literal(literal), below)) => {
                if !self.literals.contains_key(literal) {
                    self.is_encoded |= literal.contains('%');
                    self.spellings.entry(said(literal).into()).or_default().push(literal.clone());
                }
                self.literals.entry(literal.clone()).or_default().insert(below, place);
            }
        }
    }
}

/// What stands for what is percent-encoded.
fn said(segment: &str) -> Cow<'_, [u8]> {
    percent_decode_str(segment).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use proptest::{collection::vec, prelude::*};

    use super::*;

    impl Tree {
        /// The most routes that one step down looks at.
        fn widest(&self) -> usize {
            let below = self.literals.values().chain(self.any.as_deref()).map(Self::widest);
            below.fold(self.ends.len().max(self.rests.len()), usize::max)
        }
    }

    fn templates(texts: &[String]) -> Vec<Template> {
        texts.iter().filter_map(|text| Template::parse(text).ok()).collect()
    }

    fn found(tree: &Tree, path: RequestPath<'_>) -> Vec<usize> {
        let mut places = Vec::new();
        tree.search(path, &mut |place, as_written| places.extend(as_written.then_some(place)));
        places.sort_unstable();
        places
    }

    #[test]
    fn one_of_a_thousand_routes_is_found_without_a_look_at_the_others() {
        let texts = (0..1000).map(|number| format!("/api/{{Version}}/resource-{number}/{{Id}}"));
        let templates = templates(&texts.collect::<Vec<_>>());
        let tree = Tree::of(templates.iter());

        assert_eq!(templates.len(), 1000);
        assert_eq!(found(&tree, RequestPath::parse(b"/api/v4/resource-999/1").unwrap()), [999]);
        assert_eq!(tree.widest(), 1);
    }

    proptest! {
        #[test]
        fn search_finds_what_trying_every_template_finds(
            texts in vec(r"(/(a|b|c|\{X\}|\{Y\}|\{Z\})){0,3}(/|/\{\*rest\})?", 0..40),
            paths in vec(r"(/[abcd]){0,4}/?", 20),
        ) {
            let templates = templates(&texts);
            let tree = Tree::of(templates.iter());
            for path in paths.iter().filter_map(|path| RequestPath::parse(path.as_bytes()).ok()) {
                let fitting = templates.iter().enumerate().filter(|(_, template)| template.matches(path));
                let fitting: Vec<usize> = fitting.map(|(place, _)| place).collect();
                prop_assert_eq!(found(&tree, path), fitting, "{:?} {:?}", path, texts);
            }
        }
    }
}
