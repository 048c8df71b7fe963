//! What is in a page: fences, headings, text and more, each with its line.

use std::ops::Range;

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
    /// The block at these bytes of a page, before its body was read.
    fn new(text: &str, range: Range<usize>, kind: CodeBlockKind) -> Self {
        let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let rest = text[range.end..].split_inclusive('\n').next();
        // A block that ends its line already takes nothing of the next one.
        let rest = rest.filter(|_| !text[..range.end].ends_with('\n'));
        Self {
            info: match kind {
                CodeBlockKind::Fenced(info) => Some(info.into_string()),
                CodeBlockKind::Indented => None,
            },
            body: String::new(),
            line: line_of(text, start),
            range: start..range.end + rest.map_or(0, str::len),
            prefix: text[start..range.start].to_owned(),
        }
    }

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

    /// The terminal that it is seen in, if it says so.
    pub fn terminal(&self) -> Option<&str> {
        self.option("terminal=")
    }

    /// What a reader has to install for it.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let needs = self.option("needs=").unwrap_or_default();
        needs.split('+').filter(|tool| !tool.is_empty())
    }

    /// What stands behind the beginning of an option.
    fn option(&self, start: &str) -> Option<&str> {
        self.options().find_map(|option| option.strip_prefix(start))
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
    /// Its text, as it was written.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
}

/// What is in a page.
#[derive(Debug, Default)]
pub struct Content {
    /// Blocks of code.
    pub fences: Vec<Fence>,
    /// Headings.
    pub headings: Vec<Heading>,
    /// The page with blanks for all that is not text, and a backtick for code in a line and between two
    /// paragraphs or the like: every byte has the place that it has in the page.
    pub prose: String,
    /// Lines of list items.
    pub items: Vec<usize>,
}

/// Looks through a page.
pub fn content(text: &str) -> Content {
    let mut content = Content::default();
    let (mut prose, mut is_fence) = (vec![b' '; text.len()], false);
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        let line = line_of(text, range.start);
        match &event {
            Event::Start(
                Tag::Paragraph
                | Tag::Heading { .. }
                | Tag::List(_)
                | Tag::Item
                | Tag::TableCell
                | Tag::DefinitionListTitle
                | Tag::DefinitionListDefinition,
            ) => prose[range.start.saturating_sub(1)] = b'`',
            Event::Code(_) => prose[range.start] = b'`',
            Event::Text(words) if is_fence || words.trim().is_empty() => {}
            Event::Text(words) if words.len() == range.len() => {
                prose[range.clone()].copy_from_slice(words.as_bytes());
            }
            // A typographic quote, or whatever else takes more bytes than it was written with.
            Event::Text(_) => prose[range.start] = b'`',
            _ => {}
        }
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                content.fences.push(Fence::new(text, range, kind));
                is_fence = true;
            }
            Event::End(TagEnd::CodeBlock) => is_fence = false,
            Event::Text(words) if is_fence => {
                let fence = content.fences.last_mut();
                fence.expect("one was begun").body.push_str(&words);
            }
            Event::Start(Tag::Heading { level, .. }) => content.headings.push(Heading {
                level: level as u32,
                text: text[range].trim_matches(['#', ' ', '\n']).to_owned(),
                line,
            }),
            Event::Start(Tag::Item) => content.items.push(line),
            _ => {}
        }
    }
    content.prose = String::from_utf8_lossy(&prose).into_owned();
    content
}

/// The line, from 1, that a byte of a text stands on.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_taken_apart_with_its_lines() {
        let text = "# A `b` c\n\nOne\ntwo `x` *three*.\n\n- item\n  ```rust,sketch\n  fn a() {}\n\n  ```\n";
        let content = content(text);
        assert_eq!(content.headings[0].text, "A `b` c");
        let prose = "` A `   c `One two `    three . `  item";
        assert_eq!(content.prose.trim_end(), prose);
        let fence = &content.fences[0];
        let (kind, line) = (fence.kind(), fence.line);
        assert_eq!((kind, fence.is_sketch(), line), ("rust", true, 7));
        let (body, prefix) = (fence.body.as_str(), fence.prefix.as_str());
        assert_eq!((body, prefix), ("fn a() {}\n\n", "  "));
        let whole = "  ```rust,sketch\n  fn a() {}\n\n  ```\n";
        assert_eq!(&text[fence.range.clone()], whole);
        assert_eq!(content.items, [6]);
    }
}
