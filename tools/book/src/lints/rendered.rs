//! What must be so in the pages as they were rendered: links lead somewhere, images say what they
//! show, and nothing is asked of another host.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::Result;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer,
    states::RawKind::{Rawtext, ScriptData},
};
use mdbook_core::utils::fs;
use regex::Regex;

use crate::{
    regex,
    source::{Book, Problem, SRC, named_files, relative},
};

/// What a style sheet loads: `url(…)` and `@import "…"`.
static LOADED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?:url\(\s*["']?|@import\s+["'])([^"')]+)"#));

static STYLE_COMMENT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s)/\*.*?\*/"));

/// What is wrong, behind the words that it is recognised by.
type Wrong = (String, String);

/// An HTML file: its ids, its links, and what is wrong with it alone.
#[derive(Default)]
struct Html {
    ids: BTreeSet<String>,
    links: Vec<String>,
    wrong: Vec<Wrong>,
}

impl Html {
    fn read(text: &str) -> Self {
        let tokenizer = Tokenizer::new(Reader::default(), Default::default());
        let input = BufferQueue::default();
        input.push_back(text.into());
        // It stops wherever a script could change the page.
        while !input.is_empty() {
            let _ = tokenizer.feed(&input);
        }
        tokenizer.end();
        tokenizer.sink.0.into_inner()
    }

    fn tag(&mut self, tag: &Tag) {
        let (mut words, mut image) = (String::new(), String::new());
        for attribute in &tag.attrs {
            let value = attribute.value.to_string();
            match (&*tag.name, &*attribute.name.local) {
                (_, "id") | ("a", "name") => drop(self.ids.insert(value)),
                ("a", "href") => self.links.push(value),
                ("img", "alt") => words = value,
                (_, "style") => self.wrong.extend(wrong_with_style(&value)),
                (_, "href" | "src" | "srcset" | "poster" | "data" | "xlink:href") => {
                    self.wrong.extend(elsewhere(&value));
                    image = value;
                }
                _ => {}
            }
        }
        if &*tag.name == "img" && words.trim().is_empty() {
            let what =
                format!("the image {image} says nothing to who cannot see it; give it an alt text");
            self.wrong.push((image, what));
        }
    }
}

/// Takes what the tokenizer finds.
#[derive(Default)]
struct Reader(RefCell<Html>);

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                self.0.borrow_mut().tag(&tag);
                // What stands in these is no HTML.
                match &*tag.name {
                    "script" => TokenSinkResult::RawData(ScriptData),
                    "style" => TokenSinkResult::RawData(Rawtext),
                    _ => TokenSinkResult::Continue,
                }
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

/// Checks a rendered book.
///
/// # Errors
///
/// When a file cannot be read.
pub fn check(book: &Book, out: &Path) -> Result<Vec<Problem>> {
    let (mut pages, mut problems) = (BTreeMap::new(), Vec::new());
    let out = out.canonicalize()?;
    for (name, file) in named_files(&out)? {
        if name.ends_with(".html") {
            let html = Html::read(&fs::read_to_string(&file)?);
            pages.insert(file, html);
        } else if name.ends_with(".css") {
            let wrong = wrong_with_style(&fs::read_to_string(&file)?).into_iter();
            let file = format!("book: {name}");
            problems.extend(wrong.map(|(_, what)| Problem::new(&file, 1, what)));
        }
    }
    for (file, html) in &pages {
        let name = relative(file, &out);
        // The page for printing holds all the others, and mdBook rewrites their links for it.
        let is_copy = ["print.html", "404.html", "toc.html", "index.html"].contains(&name.as_str());
        let links = html.links.iter().filter(|_| !is_copy);
        let dead =
            links.filter_map(|target| Some((target.clone(), dead(&out, &pages, file, target)?)));
        let wrong = html.wrong.iter().cloned().chain(dead);
        problems.extend(wrong.map(|(target, what)| place(book, &name, &target, what)));
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}

fn wrong_with_style(text: &str) -> Vec<Wrong> {
    let text = STYLE_COMMENT.replace_all(text, "");
    let loaded = LOADED.captures_iter(&text);
    loaded.filter_map(|found| elsewhere(&found[1])).collect()
}

fn is_foreign(target: &str) -> bool {
    let target = target.trim().to_ascii_lowercase();
    target.starts_with("//")
        || target.starts_with("http:")
        || target.starts_with("https:")
        || target.starts_with("ws") && target.contains("://")
}

/// What is wrong with loading this.
fn elsewhere(target: &str) -> Option<Wrong> {
    let what = "is loaded from another host; the book works without a network: bring it along";
    is_foreign(target).then(|| (target.to_owned(), format!("{target} {what}")))
}

/// What is wrong with a link on this page.
fn dead(out: &Path, pages: &BTreeMap<PathBuf, Html>, page: &Path, target: &str) -> Option<String> {
    if target.starts_with("http:") || target.starts_with("//") {
        let what = "links to other hosts begin with https://";
        return Some(format!("{target}: {what}"));
    }
    if is_foreign(target) || target.starts_with("mailto:") || target.starts_with("javascript:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = match path {
        "" => page.to_owned(),
        path => page.with_file_name(path).canonicalize().unwrap_or_default(),
    };
    if !file.starts_with(out) || !file.is_file() {
        let what = "leads nowhere; there is no such page";
        return Some(format!("the link {target} {what}"));
    }
    let html = pages.get(&file).filter(|_| !anchor.is_empty())?;
    (!html.ids.contains(anchor))
        .then(|| format!("the link {target} leads to a page without a heading #{anchor}"))
}

/// Says it of the line of Markdown that the target seems to come from.
fn place(book: &Book, html: &str, target: &str, what: String) -> Problem {
    let stem = html.trim_end_matches(".html");
    let name = format!("{stem}.md");
    let Some(page) = book.pages.iter().find(|page| page.name == name) else {
        return Problem::new(format!("book: {html}"), 1, what);
    };
    let written = target.replace(".html", ".md");
    let line = page.text.lines().position(|line| line.contains(&written));
    Problem::new(format!("{SRC}/{name}"), line.unwrap_or(0) + 1, what)
}
