//! What is in a page: fences, headings, text and more, each with its line.

use std::{mem, ops::Range};

use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd},
};

/// A block of code.
#[derive(Clone, Debug)]
pub struct Fence {
    /// What stands behind the opening backticks; `None` for code that is only indented.
    pub info: Option<String>,
    /// The code, without what indents or quotes the whole block.
    pub body: String,
    /// The line of the opening backticks, from 1.
    pub line: usize,
    /// The bytes of whole lines that the block takes, both fences included.
    pub range: Range<usize>,
    /// What stands before the opening backticks.
    pub prefix: String,
}

impl Fence {
    /// The kind: the first word of the info.
    pub fn kind(&self) -> &str {
        self.words().next().unwrap_or_default()
    }

    /// The words behind the kind.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        self.words().skip(1).filter(|option| !option.is_empty())
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let info = self.info.as_deref().unwrap_or_default();
        info.split(',').map(str::trim)
    }

    /// Whether it says of itself that it is only an idea.
    pub fn is_sketch(&self) -> bool {
        self.options().any(|option| option == "sketch")
    }

    /// Whether its commands are run.
    pub fn is_transcript(&self) -> bool {
        self.kind() == "console" && !self.is_sketch()
    }

    /// The argument of the include directive that is all of the block.
    pub fn sole_include(&self) -> Option<&str> {
        let body = self.body.trim().strip_prefix("{{#include ")?;
        let argument = body.strip_suffix("}}")?;
        (!argument.contains('\n')).then(|| argument.trim())
    }

    /// Another block for the place of this one: indented and quoted as this one is.
    pub fn in_place(&self, block: &str) -> String {
        let is_quote = |sign| if sign == '>' { '>' } else { ' ' };
        let inner: String = self.prefix.chars().map(is_quote).collect();
        let (mut text, mut prefix) = (String::new(), &self.prefix);
        for line in block.lines() {
            text += format!("{prefix}{line}").trim_end();
            text.push('\n');
            prefix = &inner;
        }
        text
    }
}

/// A heading.
#[derive(Clone, Debug)]
pub struct Heading {
    /// 1 for the title of a page.
    pub level: u32,
    /// Its text.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
}

/// Text that belongs together, such as a paragraph, without code.
#[derive(Clone, Debug, Default)]
pub struct Passage {
    /// The text.
    pub text: String,
    /// Where in the text which line begins.
    lines: Vec<(usize, usize)>,
}

impl Passage {
    /// The line of the page, from 1, that a byte of the text stands on.
    pub fn line(&self, at: usize) -> usize {
        let line = self.lines.iter().rev().find(|(start, _)| *start <= at);
        line.map_or(1, |(_, line)| *line)
    }

    fn push(&mut self, text: &str, line: usize) {
        self.lines.push((self.text.len(), line));
        self.text.push_str(text);
    }
}

/// What is in a page.
#[derive(Debug, Default)]
pub struct Content {
    /// Blocks of code.
    pub fences: Vec<Fence>,
    /// Headings.
    pub headings: Vec<Heading>,
    /// Text.
    pub passages: Vec<Passage>,
    /// Lines and texts of HTML.
    pub html: Vec<(usize, String)>,
    /// Lines of list items.
    pub items: Vec<usize>,
}

/// Looks through a page.
pub fn content(text: &str) -> Content {
    let mut reader = Reader {
        text,
        content: Content::default(),
        passage: Passage::default(),
        fence: None,
        is_heading: false,
    };
    let options = MarkdownOptions::default();
    for (event, range) in new_cmark_parser(text, &options).into_offset_iter() {
        reader.event(event, &range);
    }
    reader.end_passage();
    reader.content
}

/// What has been read of a page, and what is being read.
struct Reader<'a> {
    text: &'a str,
    content: Content,
    passage: Passage,
    fence: Option<Fence>,
    is_heading: bool,
}

impl Reader<'_> {
    fn event(&mut self, event: Event, range: &Range<usize>) {
        let line = self.text[..range.start].matches('\n').count() + 1;
        let content = &mut self.content;
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                self.fence = Some(opened(self.text, kind, range, line));
            }
            Event::End(TagEnd::CodeBlock) => content.fences.extend(self.fence.take()),
            Event::Start(Tag::Heading { level, .. }) => {
                self.is_heading = true;
                content.headings.push(Heading {
                    level: level as u32,
                    text: String::new(),
                    line,
                });
            }
            Event::Start(Tag::Item) => content.items.push(line),
            Event::Html(html) | Event::InlineHtml(html) => {
                content.html.push((line, html.into_string()));
            }
            Event::Text(words) => match &mut self.fence {
                Some(fence) => fence.body.push_str(&words),
                None => self.words(&words, &words, line),
            },
            // Something stands in the passage, so that what is around it does not grow together.
            Event::Code(code) => self.words("`", &code, line),
            Event::SoftBreak | Event::HardBreak => self.passage.push(" ", line),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::TableCell
                | TagEnd::DefinitionListTitle
                | TagEnd::DefinitionListDefinition,
            )
            | Event::Start(Tag::List(_)) => self.end_passage(),
            _ => {}
        }
    }

    fn words(&mut self, in_passage: &str, in_heading: &str, line: usize) {
        self.passage.push(in_passage, line);
        let heading = self.content.headings.last_mut();
        if let Some(heading) = heading.filter(|_| self.is_heading) {
            heading.text.push_str(in_heading);
        }
    }

    fn end_passage(&mut self) {
        self.is_heading = false;
        let passage = mem::take(&mut self.passage);
        if !passage.text.trim().is_empty() {
            self.content.passages.push(passage);
        }
    }
}

/// A block of code, before its body was read.
fn opened(text: &str, kind: CodeBlockKind, range: &Range<usize>, line: usize) -> Fence {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    // A block that ends its line already takes nothing of the next one.
    let is_whole = text[..range.end].ends_with('\n');
    let rest = text[range.end..].find('\n').filter(|_| !is_whole);
    let end = match rest {
        Some(at) => range.end + at + 1,
        None if is_whole => range.end,
        None => text.len(),
    };
    Fence {
        info: match kind {
            CodeBlockKind::Fenced(info) => Some(info.into_string()),
            CodeBlockKind::Indented => None,
        },
        body: String::new(),
        line,
        range: start..end,
        prefix: text[start..range.start].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_taken_apart_with_its_lines() {
        let text =
            "# A `b` c\n\nOne\ntwo `x` three.\n\n- item\n  ```rust,sketch\n  fn a() {}\n\n  ```\n";
        let content = content(text);
        assert_eq!(content.headings[0].text, "A b c");
        assert_eq!(content.passages[1].text, "One two ` three.");
        assert_eq!(content.passages[1].line(5), 4);
        let fence = &content.fences[0];
        assert_eq!(
            (fence.kind(), fence.is_sketch(), fence.line),
            ("rust", true, 7)
        );
        assert_eq!(
            (fence.body.as_str(), fence.prefix.as_str()),
            ("fn a() {}\n\n", "  ")
        );
        assert_eq!(
            &text[fence.range.clone()],
            "  ```rust,sketch\n  fn a() {}\n\n  ```\n"
        );
        assert_eq!(content.items, [6]);
    }
}
