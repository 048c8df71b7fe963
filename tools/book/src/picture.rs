//! Pictures, set into the page itself: only there do they take the colours of the reader's theme.

use regex::{Captures, Regex};

use crate::include::Included;

/// The SVG as a `<figure>`. Without a caption, the caption is the picture's own title.
///
/// # Errors
///
/// When the SVG lacks what a reader needs, or has what a page must not have.
pub fn figure(picture: &Included, number: usize, caption: &str) -> Result<String, String> {
    let file = &picture.file;
    let start = picture.text.find("<svg");
    let start = start.ok_or_else(|| format!("{file} is no SVG"))?;
    let svg = picture.text[start..].trim();
    let head = &svg[..svg.find('>').unwrap_or(0)];
    if !head.contains("viewBox=") {
        return Err(format!(
            "{file} has no viewBox, so it cannot shrink on a phone; give it one"
        ));
    }
    let text_of = |element: &str| {
        let (_, rest) = svg.split_once(&format!("<{element}"))?;
        let (_, rest) = rest.split_once('>')?;
        let (text, _) = rest.split_once(&format!("</{element}>"))?;
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    };
    let title = text_of("title").ok_or_else(|| lacks(file, "title"))?;
    text_of("desc").ok_or_else(|| lacks(file, "desc"))?;
    if svg.contains("<script") {
        return Err(format!("{file} has a script; a picture of a page has none"));
    }
    let caption = match caption {
        "" => title,
        caption => escape(caption),
    };
    let svg = unique(svg, number);
    // An empty line would end the block of HTML and begin Markdown.
    let lines = svg.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    Ok(format!(
        "<figure class=\"picture\">\n{}\n<figcaption>{caption}</figcaption>\n</figure>",
        lines.join("\n")
    ))
}

fn lacks(file: &str, element: &str) -> String {
    format!("{file} has no <{element}>, so a blind reader gets nothing; give it one")
}

/// Puts the picture's number before its ids, also where they are used: those of two pictures on a page
/// must differ.
fn unique(svg: &str, number: usize) -> String {
    let id = Regex::new(
        r##"\b(id="|href="#|aria-labelledby="|aria-describedby=")([^"]+)"|(url\(#)([^)]+)\)"##,
    );
    let id = id.expect("the expression is right");
    let new = |found: &Captures| match (found.get(1), found.get(2)) {
        (Some(before), Some(id)) => {
            format!("{}picture-{number}-{}\"", before.as_str(), id.as_str())
        }
        _ => format!("{}picture-{number}-{})", &found[3], &found[4]),
    };
    id.replace_all(svg, new).into_owned()
}

/// Text that HTML takes for nothing but text.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(text: &str) -> Result<String, String> {
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
        assert!(
            figure.contains(
                "<g id=\"picture-2-x\"/><use href=\"#picture-2-x\" fill=\"url(#picture-2-x)\"/>"
            ),
            "{figure}"
        );
        assert!(
            figure.contains("<figcaption>What &lt;you&gt; see</figcaption>"),
            "{figure}"
        );
        assert!(
            !figure.contains("\n\n") && !figure.contains("<?xml"),
            "{figure}"
        );
    }

    #[test]
    fn a_picture_that_leaves_somebody_out_is_refused() {
        for (svg, lack) in [
            ("<svg><title>t</title><desc>d</desc></svg>", "viewBox"),
            ("<svg viewBox=\"0 0 1 1\"><desc>d</desc></svg>", "<title>"),
            (
                "<svg viewBox=\"0 0 1 1\"><title>t</title><desc> </desc></svg>",
                "<desc>",
            ),
            (
                "<svg viewBox=\"0 0 1 1\"><title>t</title><desc>d</desc><script/></svg>",
                "script",
            ),
            ("<p>", "no SVG"),
        ] {
            assert!(picture(svg).unwrap_err().contains(lack), "{svg}");
        }
    }
}
