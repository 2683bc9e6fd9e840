//! A page of the documentation, taken apart.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A page, or a section of one.
pub(super) struct Page {
    /// From the repository's root.
    pub(super) name: String,
    text: String,
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(repository(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), text }
    }

    /// The README and every page in `docs/`.
    pub(super) fn all() -> Vec<Self> {
        let entries = fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().file_name());
        let names = entries.map(|name| format!("docs/{}", name.to_str().unwrap()));
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".md")).collect();
        assert!(names.len() > 5, "{names:?}");
        names.sort();
        names.insert(0, "README.md".to_owned());
        names.iter().map(|name| Self::read(name)).collect()
    }

    /// The blocks of `language`, in order.
    pub(super) fn blocks(&self, language: &str) -> Vec<String> {
        let begin = format!("```{language}");
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let block = line.starts_with("```").then(|| lines.by_ref().take_while(|line| *line != "```"));
            let text: String = block.into_iter().flatten().map(|line| format!("{line}\n")).collect();
            if line == begin {
                blocks.push(text);
            }
        }
        blocks
    }

    /// Everything outside blocks.
    pub(super) fn prose(&self) -> Vec<&str> {
        let mut inside = false;
        let outside = |line: &&str| {
            let fence = line.starts_with("```");
            inside ^= fence;
            !inside && !fence
        };
        self.text.lines().filter(outside).collect()
    }

    /// Every heading of this level, without its marks.
    pub(super) fn headings(&self, level: usize) -> Vec<&str> {
        let marks = format!("{} ", "#".repeat(level));
        self.prose().into_iter().filter_map(|line| line.strip_prefix(&*marks)).collect()
    }

    /// What stands under a heading, up to the next one of its level or above.
    pub(super) fn section(&self, heading: &str) -> Self {
        let is_heading = |line: &str| line.trim_start_matches('#').strip_prefix(' ') == Some(heading);
        let mut lines = self.text.lines().skip_while(|line| !(line.starts_with('#') && is_heading(line)));
        let first = lines.next().unwrap_or_else(|| panic!("{} has no heading {heading}", self.name));
        let level = first.chars().take_while(|mark| *mark == '#').count();
        let ends = |line: &&str| {
            let marks = line.chars().take_while(|mark| *mark == '#').count();
            !((1..=level).contains(&marks) && line[marks..].starts_with(' '))
        };
        // A comment in a block begins as a heading of the first level does.
        let mut inside = false;
        let text = lines.take_while(|line| {
            inside ^= line.starts_with("```");
            inside || ends(line)
        });
        Self { name: format!("{}: {heading}", self.name), text: text.map(|line| format!("{line}\n")).collect() }
    }

    /// What stands between backticks in the prose.
    pub(super) fn code(&self) -> Vec<&str> {
        self.prose().into_iter().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
    }

    /// The first cells of the rows of its tables.
    pub(super) fn first_cells(&self) -> Self {
        let rows = self.prose().into_iter().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        Self { name: self.name.clone(), text: rows.map(|cell| format!("{cell}\n")).collect() }
    }

    /// Where its links lead.
    pub(super) fn links(&self) -> Vec<&str> {
        let prose = self.prose();
        prose.into_iter().flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next())).collect()
    }

    /// The names under which its headings can be linked to.
    pub(super) fn anchors(&self) -> Vec<String> {
        (1..=4).flat_map(|level| self.headings(level)).map(anchor).collect()
    }
}

/// As GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

pub(super) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
