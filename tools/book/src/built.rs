//! What must be so in the pages as they were rendered: links lead somewhere, images say what they
//! show, and nothing is asked of another host.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::LazyLock,
};

use anyhow::Result;
use regex::Regex;

use crate::{
    include::normal,
    problem::Problem,
    source::{Book, SRC, files, read},
};

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"<([a-zA-Z][\w-]*)((?:\s+[^\s=>/"']+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"']+))?)*)\s*/?>"#,
    )
    .expect("the expression is right")
});

static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"([^\s=>/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?"#)
        .expect("the expression is right")
});

/// What a style sheet loads: `url(…)` and `@import "…"`.
static LOADED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:url\(\s*["']?|@import\s+["'])([^"')]+)"#).expect("the expression is right")
});

static COMMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)<!--.*?-->|/\*.*?\*/").expect("the expression is right"));

/// An HTML file: its ids, its links, and what it loads.
#[derive(Default)]
struct Html {
    ids: BTreeSet<String>,
    links: Vec<String>,
    loads: Vec<String>,
    images_without_words: Vec<String>,
}

/// Looks at a rendered book.
///
/// # Errors
///
/// When a file cannot be read.
pub fn look(book: &Book, out: &Path) -> Result<Vec<Problem>> {
    let mut pages = BTreeMap::new();
    let mut problems = Vec::new();
    for file in files(out)? {
        let name = file.strip_prefix(out)?.to_string_lossy().into_owned();
        if name.ends_with(".html") {
            pages.insert(name, html(&read(&file)?));
        } else if name.ends_with(".css") {
            for target in loaded_by_style(&read(&file)?).filter(|target| is_foreign(target)) {
                problems.push(Problem::new(format!("book: {name}"), 1, elsewhere(&target)));
            }
        }
    }
    for (name, html) in &pages {
        for target in html.loads.iter().filter(|target| is_foreign(target)) {
            problems.push(place(book, name, target, elsewhere(target)));
        }
        for image in &html.images_without_words {
            problems.push(place(
                book,
                name,
                image,
                format!("the image {image} says nothing to who cannot see it; give it an alt text"),
            ));
        }
        // The page for printing holds all the others, and mdBook rewrites their links for it.
        let is_copy = ["print.html", "404.html", "toc.html", "index.html"].contains(&name.as_str());
        for target in html.links.iter().filter(|_| !is_copy) {
            if let Some(what) = dead(out, &pages, name, target) {
                problems.push(place(book, name, target, what));
            }
        }
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}

fn html(text: &str) -> Html {
    let text = COMMENT.replace_all(text, "");
    let mut html = Html::default();
    for tag in TAG.captures_iter(&text) {
        let name = tag[1].to_ascii_lowercase();
        let attributes: BTreeMap<String, String> = ATTRIBUTE
            .captures_iter(&tag[2])
            .map(|found| {
                let value = found.get(2).or(found.get(3)).or(found.get(4));
                (
                    found[1].to_ascii_lowercase(),
                    value.map_or_else(String::new, |value| unescaped(value.as_str())),
                )
            })
            .collect();
        let get = |name: &str| attributes.get(name).cloned();
        html.ids.extend(get("id"));
        html.ids.extend(get("name").filter(|_| name == "a"));
        match name.as_str() {
            "a" => html.links.extend(get("href")),
            _ => html.loads.extend(
                ["href", "src", "srcset", "poster", "data", "xlink:href"]
                    .into_iter()
                    .filter_map(get),
            ),
        }
        if let Some(style) = get("style") {
            html.loads.extend(loaded_by_style(&style));
        }
        if name == "img" && get("alt").is_none_or(|words| words.trim().is_empty()) {
            html.images_without_words
                .push(get("src").unwrap_or_default());
        }
    }
    html
}

fn loaded_by_style(text: &str) -> impl Iterator<Item = String> {
    let text = COMMENT.replace_all(text, "").into_owned();
    let found: Vec<String> = LOADED
        .captures_iter(&text)
        .map(|captures| captures[1].to_owned())
        .collect();
    found.into_iter()
}

fn is_foreign(target: &str) -> bool {
    let target = target.trim().to_ascii_lowercase();
    target.starts_with("//")
        || target.starts_with("http:")
        || target.starts_with("https:")
        || target.starts_with("ws") && target.contains("://")
}

fn elsewhere(target: &str) -> String {
    format!(
        "{target} is loaded from another host; the book works without a network: bring it along"
    )
}

/// Why a link leads nowhere.
fn dead(out: &Path, pages: &BTreeMap<String, Html>, page: &str, target: &str) -> Option<String> {
    if is_foreign(target) || target.starts_with("mailto:") || target.starts_with("javascript:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() {
        page.to_owned()
    } else {
        let folder = Path::new(page).parent().unwrap_or(Path::new(""));
        normal(&folder.join(path)).to_string_lossy().into_owned()
    };
    let Some(html) = pages.get(&file) else {
        return (!out.join(&file).is_file())
            .then(|| format!("the link {target} leads nowhere; there is no such page"));
    };
    if anchor.is_empty() || html.ids.contains(anchor) {
        return None;
    }
    Some(format!(
        "the link {target} leads to a page without a heading #{anchor}"
    ))
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

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_their_attributes() {
        let page = html(
            "<h2 id=\"a\">x</h2><!-- <img src=\"no\"> --><a href='b.html#c' class=x>y</a><img src=p.png alt=\"\">\
             <script src=\"https://cdn.example/x.js\" defer></script><p style=\"background:url('//x/y.png')\">1 < 2</p>",
        );
        assert!(page.ids.contains("a"));
        assert_eq!(page.links, ["b.html#c"]);
        assert_eq!(
            page.loads,
            ["p.png", "https://cdn.example/x.js", "//x/y.png"]
        );
        assert_eq!(page.images_without_words, ["p.png"]);
        assert!(
            is_foreign("https://x/")
                && is_foreign("//x/")
                && !is_foreign("a/b.css")
                && !is_foreign("data:image/png")
        );
    }
}
