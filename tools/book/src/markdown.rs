//! What is in a page: fences, headings, text, links and images, each with its line.

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
    /// The kind: the first word of the info.
    pub fn kind(&self) -> &str {
        self.info
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .next()
            .unwrap_or_default()
            .trim()
    }

    /// The words behind the kind.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        let info = self.info.as_deref().unwrap_or_default();
        info.split(',')
            .skip(1)
            .map(str::trim)
            .filter(|option| !option.is_empty())
    }

    /// Whether it says of itself that it is only an idea.
    pub fn is_sketch(&self) -> bool {
        self.options().any(|option| option == "sketch")
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
    /// Lines and alternative texts of images.
    pub images: Vec<(usize, String)>,
    /// Lines and targets of links.
    pub links: Vec<(usize, String)>,
    /// Lines and texts of HTML.
    pub html: Vec<(usize, String)>,
    /// Lines of list items.
    pub items: Vec<usize>,
}

/// Looks through a page.
pub fn content(text: &str) -> Content {
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let mut content = Content::default();
    let mut passage = Passage::default();
    let mut fence: Option<Fence> = None;
    let mut image: Option<(usize, String)> = None;
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        let line = line_of(range.start);
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
                let end = text[range.end..]
                    .find('\n')
                    .map_or(text.len(), |at| range.end + at + 1);
                // A block that ends its line already takes nothing of the next one.
                let end = if text[..range.end].ends_with('\n') {
                    range.end
                } else {
                    end
                };
                fence = Some(Fence {
                    info: match kind {
                        CodeBlockKind::Fenced(info) => Some(info.into_string()),
                        CodeBlockKind::Indented => None,
                    },
                    body: String::new(),
                    line,
                    range: start..end,
                    prefix: text[start..range.start].to_owned(),
                });
            }
            Event::End(TagEnd::CodeBlock) => content.fences.extend(fence.take()),
            Event::Start(Tag::Heading { level, .. }) => content.headings.push(Heading {
                level: level as u32,
                text: String::new(),
                line,
            }),
            Event::Start(Tag::Image { .. }) => image = Some((line, String::new())),
            Event::End(TagEnd::Image) => content.images.extend(image.take()),
            Event::Start(Tag::Link { dest_url, .. }) => {
                content.links.push((line, dest_url.into_string()));
            }
            Event::Start(Tag::Item) => content.items.push(line),
            Event::Html(html) | Event::InlineHtml(html) => {
                content.html.push((line, html.into_string()));
            }
            Event::Text(words) => match (&mut fence, &mut image) {
                (Some(fence), _) => fence.body.push_str(&words),
                (None, Some((_, alternative))) => alternative.push_str(&words),
                (None, None) => {
                    passage.push(&words, line);
                    open_heading(&mut content, text, range.start, &words);
                }
            },
            Event::Code(code) => {
                // Something stands there, so that what is around it does not grow together.
                passage.push("`", line);
                open_heading(&mut content, text, range.start, &code);
            }
            Event::SoftBreak | Event::HardBreak => passage.push(" ", line),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::TableCell
                | TagEnd::DefinitionListTitle
                | TagEnd::DefinitionListDefinition,
            )
            | Event::Start(Tag::List(_)) => content.passages.extend(flushed(&mut passage)),
            _ => {}
        }
    }
    content.passages.extend(flushed(&mut passage));
    content
}

/// Adds words to the heading that they stand in, if they stand in one.
fn open_heading(content: &mut Content, text: &str, at: usize, words: &str) {
    let line = text[..at].matches('\n').count() + 1;
    if let Some(heading) = content
        .headings
        .last_mut()
        .filter(|heading| heading.line == line)
    {
        heading.text.push_str(words);
    }
}

fn flushed(passage: &mut Passage) -> Option<Passage> {
    let passage = std::mem::take(passage);
    (!passage.text.trim().is_empty()).then_some(passage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_taken_apart_with_its_lines() {
        let text = "# A `b` c\n\nOne\ntwo `x` three.\n\n- item\n  ```rust,sketch\n  fn a() {}\n\n  ```\n\n![alt](a.png)\n[x](y.md#z)\n";
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
        assert_eq!(content.images, [(12, "alt".to_owned())]);
        assert_eq!(content.links, [(13, "y.md#z".to_owned())]);
    }
}
