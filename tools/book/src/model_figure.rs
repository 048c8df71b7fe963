//! Figures that a reader plays with: drawn by the model (`tools/model`), here for the page as it is at first, and
//! in the page for whatever its reader changes.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use bench::costs::costs;
use data_encoding::BASE64;
use mdbook_core::utils::{escape_html, fs};
use model::figures::{Drawn, FIGURES, Figure};
use output::{terminal, unknown};
use processes::programs::{Platform, Tool};

use crate::{picture::Svg, value::Values};

/// How such a figure begins in a page.
pub const ELEMENT: &str = "<seen-model>";

/// The model as a page loads it, in the folder of a rendered book.
const PROGRAM: &str = "theme/model.wasm.js";

/// The figure of that name: its question, its picture and its table as they are at first, and what a script needs
/// to draw others.
///
/// # Errors
///
/// When there is no such figure, or no run has measured what the model needs.
pub fn figure(values: &Values, name: &str, number: usize) -> Result<String> {
    let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
    let figure = Figure::named(name).with_context(|| unknown("figure", name, &names))?;
    let (results, groups) = values.run()?;
    let measured = costs(results, groups);
    let lacks = "the newest run in book/measurements/bench lacks step 2, 4 or 5, whose costs the model needs";
    let measured = measured.context(lacks)?;
    let drawn = figure.draw(&measured, &[]);
    let Svg { text: svg, .. } = Svg::new(name, &drawn.svg, number)?;
    let table = table(&drawn);
    let (question, because) = (
        escape_html(figure.guess.question),
        escape_html(&drawn.because),
    );
    let (figure, drawn) = (figure.json(&measured), drawn.json());
    Ok(format!(
        "<figure class=\"experiment\">\n<p class=\"question\">{question}</p>\n\
         {ELEMENT}\n{svg}\n{table}\n\
         <script type=\"application/json\">{{\"figure\":{figure},\"drawn\":{drawn}}}</script>\n</seen-model>\n\
         <figcaption>\n<p class=\"because\">{because}</p>\n\
         <p>A model draws it, with the costs of the run in this book; the visitors are on machines of their own.</p>\n\
         </figcaption>\n</figure>"
    ))
}

/// The table beside the picture. A row begins with what it says.
fn table(drawn: &Drawn) -> String {
    let cell = |text: &String, name: &str| format!("<{name}>{}</{name}>", escape_html(text));
    let row = |cells: &Vec<String>, name: &str| {
        let first = cells.iter().take(1).map(|text| cell(text, "th"));
        let others = cells.iter().skip(1).map(|text| cell(text, name));
        format!("<tr>{}</tr>", first.chain(others).collect::<String>())
    };
    let head: String = drawn
        .table
        .iter()
        .take(1)
        .map(|cells| row(cells, "th"))
        .collect();
    let body: String = drawn
        .table
        .iter()
        .skip(1)
        .map(|cells| row(cells, "td"))
        .collect();
    format!("<table>\n<thead>{head}</thead>\n<tbody>{body}</tbody>\n</table>")
}

/// Compiles the model for the pages of a rendered book. Where Rust cannot, they keep their pictures, and say so.
///
/// # Errors
///
/// When the model does not compile, or cannot be written.
pub fn write_program(root: &Path, out: &Path) -> Result<()> {
    let tool = Tool::WEB_ASSEMBLY;
    let text = match tool.version() {
        Some(_) => {
            let file = steps::web_assembly(root, "model")?;
            let file = file.context("the model does not compile; see above")?;
            let program = std::fs::read(&file);
            let program = program.with_context(|| format!("cannot read {}", file.display()))?;
            ensure!(!program.is_empty(), "{} is empty", file.display());
            format!("\"{}\"", BASE64.encode(&program))
        }
        None => {
            let install = tool.install(Platform::here());
            terminal::progress(&format!(
                "the figures to play with stand still; {install} lets them move"
            ));
            "null".to_owned()
        }
    };
    fs::write(
        out.join(PROGRAM),
        format!("globalThis.SEEN_MODEL = {text};\n"),
    )
}
