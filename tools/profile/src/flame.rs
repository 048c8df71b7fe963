//! The flame graph: all chains of calls, one on the other where they are the same.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use inferno::flamegraph::{
    self, Options,
    color::{MultiPalette, Palette},
};

use crate::{
    parts::package,
    symbols::{Frame, Source},
};

/// Functions that take less than this percentage are not drawn.
const WIDTH_MIN: f64 = 0.2;

/// Draws these stacks.
///
/// # Errors
///
/// When there are none.
pub fn draw(title: &str, stacks: &[Vec<Frame>]) -> Result<Vec<u8>> {
    let folded = fold(stacks);
    let mut options = Options::default();
    title.clone_into(&mut options.title);
    // Crates, the standard library, and what is not Rust have hues of their own.
    options.colors = Palette::Multi(MultiPalette::Rust);
    options.deterministic = true;
    options.min_width = WIDTH_MIN;
    let mut svg = Vec::new();
    let lines = folded.iter().map(String::as_str);
    flamegraph::from_lines(&mut options, lines, &mut svg).context("cannot draw the flame graph")?;
    Ok(svg)
}

/// A line for each chain that was seen, with how often. The outermost function comes first.
fn fold(stacks: &[Vec<Frame>]) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for stack in stacks {
        let names: Vec<String> = stack.iter().rev().map(label).collect();
        *counts.entry(names.join(";")).or_default() += 1;
    }
    counts
        .iter()
        .map(|(stack, count)| format!("{stack} {count}"))
        .collect()
}

/// What a function is called in the graph. Of what is inlined the program has only the last part of the name,
/// so its package is put before that.
fn label(frame: &Frame) -> String {
    let name = name(&frame.function);
    match &frame.source {
        Source::File(file) if !name.contains("::") => match package(file) {
            Some(package) => format!("{}::{name}", package.replace('-', "_")),
            None => name,
        },
        _ => name,
    }
}

/// The name of a function without the parameters of its types, which may fill pages, and without the sign
/// that stands between two functions.
fn name(function: &str) -> String {
    let (mut name, mut depth, mut before) = (String::new(), 0, ' ');
    for c in function.chars() {
        match c {
            // Behind a name begin its parameters; elsewhere, the type that a function is of.
            '<' if depth > 0 || matches!(before, ':' | '}') || before.is_alphanumeric() => {
                depth += 1;
            }
            // Not the end of an arrow.
            '>' if depth > 0 && before != '-' => depth -= 1,
            ';' if depth == 0 => name.push(','),
            c if depth == 0 => name.push(c),
            _ => {}
        }
        before = c;
    }
    name.replace("::::", "::").trim_end_matches("::").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::{Source, frame};

    #[test]
    fn the_same_chain_is_one_line() {
        let (send, main) = (
            frame("tcp_sendmsg", Source::Kernel),
            frame("[u8; 4]::write", Source::Library),
        );
        let stacks = [
            vec![send.clone(), main.clone()],
            vec![send, main.clone()],
            vec![main],
        ];
        let expected = ["[u8, 4]::write 1", "[u8, 4]::write;tcp_sendmsg 2"];
        assert_eq!(fold(&stacks), expected);
    }

    #[test]
    fn a_name_has_no_parameters() {
        for (function, expected) in [
            (
                "<core::option::Option<a::B<u8>>>::take",
                "<core::option::Option>::take",
            ),
            (
                "<a::B<C> as d::E<fn() -> u8>>::f::<G>::{closure#0}",
                "<a::B as d::E>::f::{closure#0}",
            ),
            ("a::f::<B<C>, D>", "a::f"),
            ("{closure#0}<a::B<C>, D>", "{closure#0}"),
            ("tcp_sendmsg", "tcp_sendmsg"),
        ] {
            assert_eq!(name(function), expected);
        }
    }

    #[test]
    fn what_is_inlined_is_named_with_its_package() {
        let file = "/r/registry/src/index/hyper-util-0.1.21/src/rt.rs";
        let inlined = |function| frame(function, Source::File(file.to_owned()));
        assert_eq!(label(&inlined("poll")), "hyper_util::poll");
        assert_eq!(label(&inlined("a::B::poll")), "a::B::poll");
        assert_eq!(label(&frame("writev", Source::Library)), "writev");
    }

    #[test]
    fn a_graph_names_its_functions() {
        let svg = draw("step-9", &[vec![frame("serve", Source::Library)]]).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.contains("step-9") && svg.contains("serve"), "{svg}");
    }
}
