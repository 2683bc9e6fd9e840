//! What was done and what came of it, for people: no token, no key, no certificate.

/// Printed when it ends, whether the test passed or not.
pub(crate) struct Transcript {
    title: &'static str,
    rows: Vec<[String; 3]>,
}

impl Transcript {
    pub(crate) fn new(title: &'static str) -> Self {
        Self { title, rows: Vec::new() }
    }

    pub(crate) fn note(&mut self, command: &str, answer: &str, reached: &[String]) {
        let reached = if reached.is_empty() { "nothing".to_owned() } else { reached.join(", ") };
        self.rows.push([command.to_owned(), answer.to_owned(), reached]);
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        let head = ["command", "answer", "what reached the bank"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let (first, second) = (width(0), width(1));
        let mut text = format!("\n== {}\n", self.title);
        for [command, answer, reached] in rows {
            text += &format!("{command:<first$}   {answer:<second$}   {reached}\n");
        }
        // At once, because tests run side by side.
        println!("{text}");
    }
}
