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

/// An HTML file: its ids, its links, and what it loads.
#[derive(Default)]
struct Html {
    ids: BTreeSet<String>,
    links: Vec<String>,
    loads: Vec<String>,
    images_without_words: Vec<String>,
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
                (_, "style") => self.loads.extend(loaded_by_style(&value)),
                (_, "href" | "src" | "srcset" | "poster" | "data" | "xlink:href") => {
                    image.clone_from(&value);
                    self.loads.push(value);
                }
                _ => {}
            }
        }
        if &*tag.name == "img" && words.trim().is_empty() {
            self.images_without_words.push(image);
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
            for target in loaded_by_style(&fs::read_to_string(&file)?) {
                let what = elsewhere(&target).into_iter();
                problems.extend(what.map(|what| Problem::new(format!("book: {name}"), 1, what)));
            }
        }
    }
    for (file, html) in &pages {
        let name = relative(file, &out);
        let mut wrong = |target: &str, what| problems.push(place(book, &name, target, what));
        for target in &html.loads {
            if let Some(what) = elsewhere(target) {
                wrong(target, what);
            }
        }
        for image in &html.images_without_words {
            let what =
                format!("the image {image} says nothing to who cannot see it; give it an alt text");
            wrong(image, what);
        }
        // The page for printing holds all the others, and mdBook rewrites their links for it.
        let is_copy = ["print.html", "404.html", "toc.html", "index.html"].contains(&name.as_str());
        for target in html.links.iter().filter(|_| !is_copy) {
            if let Some(what) = dead(&out, &pages, file, target) {
                wrong(target, what);
            }
        }
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}

fn loaded_by_style(text: &str) -> Vec<String> {
    let text = STYLE_COMMENT.replace_all(text, "");
    let found = LOADED.captures_iter(&text);
    found.map(|captures| captures[1].to_owned()).collect()
}

fn is_foreign(target: &str) -> bool {
    let target = target.trim().to_ascii_lowercase();
    target.starts_with("//")
        || target.starts_with("http:")
        || target.starts_with("https:")
        || target.starts_with("ws") && target.contains("://")
}

/// What is wrong with loading this.
fn elsewhere(target: &str) -> Option<String> {
    is_foreign(target).then(|| {
        format!(
            "{target} is loaded from another host; the book works without a network: bring it along"
        )
    })
}

/// What is wrong with a link on this page.
fn dead(out: &Path, pages: &BTreeMap<PathBuf, Html>, page: &Path, target: &str) -> Option<String> {
    if target.starts_with("http:") || target.starts_with("//") {
        return Some(format!(
            "{target}: links to other hosts begin with https://"
        ));
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
        return Some(format!(
            "the link {target} leads nowhere; there is no such page"
        ));
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
