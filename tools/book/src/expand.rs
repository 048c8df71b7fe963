//! Puts into a page what its directives ask for.

use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

use anyhow::{Result, bail, ensure};
use mdbook_core::utils::escape_html;
use output::terminal::one_line;
use regex::{Captures, Regex};

use crate::{
    experiment::Shown,
    include::{Included, include},
    markdown::{self, Content, Fence, line_of},
    model_figure, picture, regex,
    source::{Book, GENERATED, Page, Problem},
    transcript,
    value::Values,
};

/// `{{#name argument}}`, with a backslash in front where it is only talked about; or a link to a file of the
/// repository.
pub static DIRECTIVE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(\\?)\{\{#(\w+)([^}]*)\}\}|\[([^\]]+)\]\(repo:([^)]+)\)"));

/// A generated difference between two steps.
static DIFF: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^book/src/generated/diff-(\d+)-(\d+)/(.+)\.diff$"));

/// Expands a page.
pub fn expand<'a>(
    book: &'a Book,
    values: &'a Values,
    page: &'a Page,
    content: &Content,
) -> Expanded<'a> {
    let mut expanded = Expanded {
        book,
        values,
        page,
        pictures: 0,
        has_legend: false,
        text: String::new(),
        problems: Vec::new(),
        anchors: BTreeSet::new(),
    };
    let mut at = 0;
    for fence in &content.fences {
        expanded.prose(at..fence.range.start);
        let block = expanded.fence(fence);
        let block = expanded.or_problem(fence.line + 1, block);
        expanded.text += &block;
        at = fence.range.end;
    }
    expanded.prose(at..page.text.len());
    expanded
}

/// The arguments of all directives of that name in a page, each with its line.
pub fn arguments(page: &Page, name: &str) -> Vec<(usize, String)> {
    let fences = markdown::content(&page.text).fences;
    let is_code = |at| fences.iter().any(|fence| fence.range.contains(&at));
    let found = DIRECTIVE.captures_iter(&page.text).filter(|found| {
        let is_named = found.get(2).is_some_and(|known| known.as_str() == name);
        is_named && found[1].is_empty() && !is_code(found.get_match().start())
    });
    let placed = found.map(|found| {
        let line = line_of(&page.text, found.get_match().start());
        (line, found[3].trim().to_owned())
    });
    placed.collect()
}

/// A page as mdBook gets it.
pub struct Expanded<'a> {
    book: &'a Book,
    values: &'a Values,
    page: &'a Page,
    pictures: usize,
    /// Whether a block before has said what a sample is.
    has_legend: bool,
    /// The Markdown.
    pub text: String,
    /// What could not be put in.
    pub problems: Vec<Problem>,
    /// The anchors that were used: file and name.
    pub anchors: BTreeSet<(String, String)>,
}

impl Expanded<'_> {
    /// The text between two blocks of code.
    fn prose(&mut self, range: Range<usize>) {
        let (page, start) = (self.page, range.start);
        let text = DIRECTIVE.replace_all(&page.text[range], |found: &Captures| {
            let whole = found.get_match();
            let text = match (found.get(2), found.get(5)) {
                _ if whole.as_str().starts_with('\\') => Ok(whole.as_str()[1..].to_owned()),
                (Some(name), _) => self.directive(name.as_str(), found[3].trim()),
                (_, Some(path)) => self.repository_link(&found[4], path.as_str()),
                (None, None) => unreachable!("the expression has two forms"),
            };
            self.or_problem(line_of(&page.text, start + whole.start()), text)
        });
        self.text.push_str(&text);
    }

    fn repository_link(&self, words: &str, path: &str) -> Result<String> {
        ensure!(
            self.book.root.join(path).exists(),
            "there is no {path} in the repository; name a file or a folder from its root"
        );
        Ok(format!("{words} (`{path}`)"))
    }

    /// The text; or none, and the problem goes to the others.
    fn or_problem(&mut self, line: usize, text: Result<String>) -> String {
        text.unwrap_or_else(|error| {
            let problem = self.page.problem(line, one_line(&error));
            self.problems.push(problem);
            String::new()
        })
    }

    fn directive(&mut self, name: &str, argument: &str) -> Result<String> {
        match name {
            "include" => {
                let included = self.include(argument)?;
                ensure!(
                    included.file.starts_with(GENERATED),
                    "{argument} is not generated; show code in a fence with its kind"
                );
                Ok(included.text.trim().to_owned())
            }
            "value" => self.values.get(argument),
            "given" => match argument.split_once(": ") {
                Some((figure, source)) if !source.is_empty() => Ok(figure.to_owned()),
                _ => bail!(
                    "{{{{#given {argument}}}}} does not say where the figure comes from; write {{{{#given FIGURE: SOURCE}}}}"
                ),
            },
            "picture" => {
                self.pictures += 1;
                let (path, caption) = argument.split_once('|').unwrap_or((argument, ""));
                let included = self.include(path.trim())?;
                picture::figure(&included, self.pictures, caption.trim())
            }
            "experiment" => {
                self.pictures += 1;
                let shown = Shown::new(&self.book.root, argument)?;
                shown.figure(&self.book.root, self.pictures)
            }
            "model" => {
                self.pictures += 1;
                model_figure::figure(self.values, argument, self.pictures)
            }
            _ => bail!(
                "there is no directive {{{{#{name}}}}}; there are include, value, given, picture, experiment and model"
            ),
        }
    }

    fn include(&mut self, argument: &str) -> Result<Included> {
        let page = self.book.root.join(self.page.file());
        let folder = page.parent().unwrap_or(&self.book.root);
        let included = include(&self.book.root, folder, argument)?;
        if let Some(anchor) = &included.anchor {
            let used = (included.file.clone(), anchor.clone());
            self.anchors.insert(used);
        }
        Ok(included)
    }

    /// A block of code, under the name of what it shows. What is wrong with its kind, [`crate::lints`] says.
    fn fence(&mut self, fence: &Fence) -> Result<String> {
        if fence.is_transcript() {
            return Ok(fence.in_place(&self.transcript(fence)));
        }
        let kind = fence.kind();
        let (class, caption, body) = match fence.sole_include() {
            Some(path) => {
                let Included { file, text, .. } = self.include(path)?;
                let name = self.shown_name(&file);
                let caption = format!("<code>{}</code>", escape_html(&name));
                ("listing", caption, text)
            }
            None if fence.is_sketch() => ("sketch", "sketch".to_owned(), fence.body.clone()),
            None => ("sketch", String::new(), fence.body.clone()),
        };
        let mut ticks = (3..).map(|count| "`".repeat(count));
        let ticks = ticks
            .find(|ticks| !body.contains(ticks))
            .unwrap_or_default();
        let code = format!("{ticks}{kind}\n{}\n{ticks}\n", body.trim_end_matches('\n'));
        Ok(fence.in_place(&under(&format!("{class} {class}-{kind}"), &caption, &code)))
    }

    /// A session in a terminal, under what it takes. What was so in the recorded run only is set apart, and
    /// the first of them on a page says that.
    fn transcript(&mut self, fence: &Fence) -> String {
        let mut caption = String::new();
        if let Some(name) = fence.terminal() {
            caption += &format!("<span>terminal: {}</span>", escape_html(name));
        }
        for tool in fence.needs() {
            caption += &format!("<span class=\"needs\">needs {}</span>", escape_html(tool));
        }
        let html = transcript::html(&fence.body);
        if html.contains(transcript::SAMPLE) && !self.has_legend {
            self.has_legend = true;
            caption += &format!("<span class=\"legend\">{}</span>", transcript::LEGEND);
        }
        let code = format!("<pre><code class=\"language-console\">{html}</code></pre>\n");
        under("terminal terminal-console", &caption, &code)
    }

    /// The name of a file as a reader sees it: `generated/diff-1-2/src/lib.rs.diff` is what happens to
    /// `src/lib.rs` from one step to the next.
    fn shown_name(&self, file: &str) -> String {
        let diff = || {
            let found = DIFF.captures(file)?;
            let step = |number| steps::one(&self.book.root, Some(&found[number])).ok();
            let (a, b) = (step(1)?.name, step(2)?.name);
            Some(format!("{a} → {b}: {}", &found[3]))
        };
        diff().unwrap_or_else(|| file.to_owned())
    }
}

/// A block of code under its caption, if it has one.
fn under(class: &str, caption: &str, code: &str) -> String {
    match caption {
        "" => code.to_owned(),
        caption => format!(
            "<figure class=\"{class}\">\n<figcaption>{caption}</figcaption>\n\n{code}\n</figure>\n"
        ),
    }
}
