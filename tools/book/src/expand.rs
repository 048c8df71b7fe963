//! Puts into a page what its directives ask for.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::{Captures, Regex};

use crate::{
    include::{Included, include},
    markdown::{Content, Fence},
    picture::{self, escape},
    source::{Book, GENERATED, Page, Problem, SRC},
    value::Values,
};

/// `{{#name argument}}`, with a backslash in front where it is only talked about.
pub static DIRECTIVE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\\?)\{\{#(\w+)([^}]*)\}\}").expect("the expression is right"));

static REPOSITORY_LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[([^\]]+)\]\(repo:([^)]+)\)").expect("the expression is right"));

/// A page as mdBook gets it.
#[derive(Debug, Default)]
pub struct Expanded {
    /// The Markdown.
    pub text: String,
    /// What could not be put in.
    pub problems: Vec<Problem>,
    /// The anchors that were used: file and name.
    pub anchors: BTreeSet<(String, String)>,
}

/// Expands a page.
pub fn expand(book: &Book, values: &Values, page: &Page, content: &Content) -> Expanded {
    let mut expander = Expander {
        book,
        values,
        page,
        pictures: 0,
        expanded: Expanded::default(),
    };
    let mut at = 0;
    for fence in &content.fences {
        expander.prose(at, fence.range.start);
        expander.fence(fence);
        at = fence.range.end;
    }
    expander.prose(at, page.text.len());
    expander.expanded
}

struct Expander<'a> {
    book: &'a Book,
    values: &'a Values,
    page: &'a Page,
    pictures: usize,
    expanded: Expanded,
}

impl Expander<'_> {
    /// The text between two blocks of code.
    fn prose(&mut self, start: usize, end: usize) {
        let page = self.page;
        let text = &page.text[start..end];
        let first_line = page.text[..start].matches('\n').count() + 1;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let line_number = first_line + index;
            let mut problems = Vec::new();
            let line = DIRECTIVE.replace_all(line, |captures: &Captures| {
                if &captures[1] == "\\" {
                    return captures[0][1..].to_owned();
                }
                self.directive(&captures[2], captures[3].trim())
                    .unwrap_or_else(|what| {
                        problems.push(page.problem(line_number, what));
                        String::new()
                    })
            });
            let line = REPOSITORY_LINK.replace_all(&line, |captures: &Captures| {
                let path = &captures[2];
                if !self.book.root.join(path).exists() {
                    let what = format!("there is no {path} in the repository; name a file or a folder from its root");
                    problems.push(page.problem(line_number, what));
                }
                format!("{} (`{path}`)", &captures[1])
            });
            self.expanded.text.push_str(&line);
            self.expanded.problems.extend(problems);
        }
    }

    fn directive(&mut self, name: &str, argument: &str) -> Result<String, String> {
        match name {
            "include" => {
                let included = self.include(argument)?;
                match included.file.starts_with(GENERATED) {
                    true => Ok(included.text.trim().to_owned()),
                    false => Err(format!(
                        "{argument} is not generated; show code in a fence with its kind"
                    )),
                }
            }
            "value" => {
                let value = self.values.get(argument);
                value.map_err(|error| format!("{error:#}"))
            }
            "given" => match argument.split_once(": ") {
                Some((figure, source)) if !source.trim().is_empty() => Ok(figure.to_owned()),
                _ => Err(format!(
                    "{{{{#given {argument}}}}} says not where the figure comes from; write {{{{#given FIGURE: SOURCE}}}}"
                )),
            },
            "picture" => {
                self.pictures += 1;
                let (path, caption) = argument.split_once('|').unwrap_or((argument, ""));
                let included = self.include(path.trim())?;
                picture::figure(&included, self.pictures, caption.trim())
            }
            _ => Err(format!(
                "there is no directive {{{{#{name}}}}}; there are include, value, given and picture"
            )),
        }
    }

    fn include(&mut self, argument: &str) -> Result<Included, String> {
        let page = self.book.root.join(SRC).join(&self.page.name);
        let folder = page.parent().unwrap_or(&self.book.root);
        let included = include(&self.book.root, folder, argument)?;
        if let Some(anchor) = &included.anchor {
            let used = (included.file.clone(), anchor.clone());
            self.expanded.anchors.insert(used);
        }
        Ok(included)
    }

    /// A block of code, under the name of what it shows. What is wrong with its kind, [`crate::lints`] says.
    fn fence(&mut self, fence: &Fence) {
        let (caption, class, body) = match fence.sole_include().map(|path| self.include(path)) {
            Some(Ok(included)) => {
                let name = escape(&self.shown_name(&included.file));
                let caption = format!("<code>{name}</code>");
                (Some(caption), "listing", included.text)
            }
            Some(Err(what)) => {
                let problem = self.page.problem(fence.line + 1, what);
                self.expanded.problems.push(problem);
                return;
            }
            None => {
                let mut options = fence.options();
                let terminal = options.find_map(|option| option.strip_prefix("terminal="));
                let caption = match terminal {
                    _ if fence.is_sketch() => Some("sketch".to_owned()),
                    Some(name) => Some(format!("terminal: {}", escape(name))),
                    None => None,
                };
                let is_console = fence.kind() == "console";
                let class = if is_console { "terminal" } else { "sketch" };
                (caption, class, fence.body.clone())
            }
        };
        let kind = fence.kind();
        let ticks = "`".repeat(3.max(longest_run(&body, '`') + 1));
        let body = body.trim_end_matches('\n');
        let code = format!("{ticks}{kind}\n{body}\n{ticks}\n");
        let block = match caption {
            Some(caption) => format!(
                "<figure class=\"{class} {class}-{kind}\">\n<figcaption>{caption}</figcaption>\n\n{code}\n</figure>\n"
            ),
            None => code,
        };
        self.expanded.text += &fence.in_place(&block);
    }

    /// The name of a file as a reader sees it: `generated/diff-1-2/src/lib.rs.diff` is what happens to
    /// `src/lib.rs` from one step to the next.
    fn shown_name(&self, file: &str) -> String {
        let diff = || {
            let diff = file.strip_prefix(GENERATED)?.strip_prefix("/diff-")?;
            let (numbers, name) = diff.split_once('/')?;
            let (a, b) = numbers.split_once('-')?;
            let step = |number| steps::one(&self.book.root, Some(number)).ok();
            let (a, b, name) = (step(a)?.name, step(b)?.name, name.strip_suffix(".diff")?);
            Some(format!("{a} → {b}: {name}"))
        };
        diff().unwrap_or_else(|| file.to_owned())
    }
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for sign in text.chars() {
        run = if sign == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
