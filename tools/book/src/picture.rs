//! Pictures, set into the page itself: only there do they take the colours of the reader's theme.

use anyhow::{Context, Result, ensure};
use mdbook_core::utils::escape_html;

use crate::{include::Included, regex};

/// The SVG as a `<figure>`. Without a caption, the caption is the picture's own title.
///
/// # Errors
///
/// When the SVG lacks what a reader needs, or has what a page must not have.
pub fn figure(picture: &Included, number: usize, caption: &str) -> Result<String> {
    let Svg { title, text } = Svg::new(&picture.file, &picture.text, number)?;
    let caption = match caption {
        "" => title.into(),
        caption => escape_html(caption),
    };
    Ok(format!(
        "<figure class=\"picture\">\n{text}\n<figcaption>{caption}</figcaption>\n</figure>"
    ))
}

/// A picture that may be set into a page.
pub struct Svg {
    /// Its title.
    pub title: String,
    /// Its lines, none of which is empty: such a line would end the block of HTML and begin Markdown.
    pub text: String,
}

impl Svg {
    /// The picture of a file, which is the one of that number on its page.
    ///
    /// # Errors
    ///
    /// When it lacks what a reader needs, or has what a page must not have.
    pub fn new(file: &str, text: &str, number: usize) -> Result<Self> {
        let start = text.find("<svg");
        let start = start.with_context(|| format!("{file} is no SVG; name one"))?;
        let svg = text[start..].trim();
        let (head, _) = svg.split_once('>').unwrap_or_default();
        ensure!(
            head.contains("viewBox="),
            "{file} has no viewBox, so it cannot shrink on a phone; give it one"
        );
        ensure!(
            !svg.contains("<script"),
            "{file} has a script; remove it: a picture of a page only shows"
        );
        let text_of = |element: &str| {
            let (_, rest) = svg.split_once(&format!("<{element}"))?;
            let (_, rest) = rest.split_once('>')?;
            let (text, _) = rest.split_once(&format!("</{element}>"))?;
            Some(text.trim()).filter(|text| !text.is_empty())
        };
        let lacks = |element| {
            format!("{file} has no <{element}>, so a blind reader gets nothing; give it one")
        };
        let title = text_of("title").with_context(|| lacks("title"))?;
        text_of("desc").with_context(|| lacks("desc"))?;
        let numbered = unique(svg, number);
        let lines = numbered.lines().map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        Ok(Self {
            title: title.to_owned(),
            text: lines.join("\n"),
        })
    }
}

/// Puts the picture's number before its ids, also where they are used: those of two pictures on a page
/// must differ.
fn unique(svg: &str, number: usize) -> String {
    let before_id = regex(r##"\b(?:id="|href="#|aria-labelledby="|aria-describedby="|url\(#)"##);
    let numbered = format!("${{0}}picture-{number}-");
    before_id.replace_all(svg, numbered).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(text: &str) -> Result<String> {
        let included = Included {
            file: "a.svg".into(),
            anchor: None,
            text: text.into(),
        };
        figure(&included, 2, "What <you> see")
    }

    #[test]
    fn a_picture_gets_its_caption_and_ids_of_its_own() {
        let svg = "<?xml?>\n<svg viewBox=\"0 0 1 1\">\n<title>t</title>\n\n<desc>d</desc>\n<g id=\"x\"/><use href=\"#x\" fill=\"url(#x)\"/>\n</svg>\n";
        let figure = picture(svg).unwrap();
        let expected = "<figure class=\"picture\">\n<svg viewBox=\"0 0 1 1\">\n<title>t</title>\n<desc>d</desc>\n\
            <g id=\"picture-2-x\"/><use href=\"#picture-2-x\" fill=\"url(#picture-2-x)\"/>\n</svg>\n\
            <figcaption>What &lt;you&gt; see</figcaption>\n</figure>";
        assert_eq!(figure, expected);
    }

    #[test]
    fn a_picture_that_leaves_somebody_out_is_refused() {
        let right = "<svg viewBox=\"0 0 1 1\"><title>t</title><desc>d</desc></svg>";
        assert!(picture(right).is_ok());
        for (from, to, lack) in [
            ("viewBox=", "viewbox=", "viewBox"),
            ("title", "text", "<title>"),
            (">d<", "> <", "<desc>"),
            ("</svg>", "<script/></svg>", "script"),
            ("svg", "p", "no SVG"),
        ] {
            let error = picture(&right.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(lack), "{to}: {error}");
        }
    }
}
