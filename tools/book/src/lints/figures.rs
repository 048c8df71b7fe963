//! No figure is typed by hand.

use std::sync::LazyLock;

use regex::{Captures, Match, Regex};

use crate::{
    expand::DIRECTIVE,
    markdown::{Content, line_of},
    regex,
    source::{Page, Problem},
};

/// A number and a unit of measurement. Plain counts are free: `64 connections`.
static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
    let unit = [
        r"(?:(?:requests?|responses|visits|answers|commands)(?:/s|\s+a\s+second|\s+per\s+second)|req/s|rps|RPS)\b",
        r"(?:ns|µs|μs|us|ms|s|sec|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?)\b",
        r"(?:B|kB|KB|KiB|MB|MiB|GB|GiB|bytes|kilobytes|megabytes)\b",
        r"(?:%|percent\b|×)",
        r"x\b",
        r"(?:times|fold)(?:\s+|-)(?:as|faster|slower|more|less|the|fewer|quicker|smaller|larger|bigger)\b",
    ];
    let expression = format!(
        r"(?:^|[^\w.,`-])(\d[\d,._]*(?:\s*[–-]\s*\d[\d,.]*)?(?:\s*|-)(?:{})|×\s*\d[\d,.]*)",
        unit.join("|")
    );
    regex(&expression)
});

/// The figures in a page's prose that come from nowhere.
pub fn typed(page: &Page, content: &Content) -> Vec<Problem> {
    let blank = |captures: &Captures| "`".repeat(captures[0].len());
    let prose = DIRECTIVE.replace_all(&content.prose, blank);
    let figures = FIGURE
        .captures_iter(&prose)
        .filter_map(|found| found.get(1));
    let problem = |figure: Match| {
        let what = format!(
            "{:?} is typed by hand; use {{{{#value …}}}}, or {{{{#given FIGURE: SOURCE}}}} if it is not ours",
            figure.as_str()
        );
        page.problem(line_of(&page.text, figure.start()), what)
    };
    figures.map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown;

    fn typed(text: &str) -> Vec<String> {
        let page = Page {
            name: "p.md".into(),
            text: text.into(),
        };
        let problems = super::typed(&page, &markdown::content(text));
        let words = |problem: Problem| {
            let problem = problem.to_string();
            let line = problem.split(':').nth(1).unwrap();
            format!("{line} {}", problem.split('"').nth(1).unwrap())
        };
        problems.into_iter().map(words).collect()
    }

    #[test]
    fn measured_figures_are_found() {
        let text = "35,940 requests/s, and 12 ms p99, or 3.5 µs; a 2.45 MB image, 24 % more,\n\
            24% more, 1.6× the speed, × 3 and 20 times faster, up to 10–20 ms within 5\nseconds,\n\
            ~64,000 rps, **7** s, and a 5-second wait";
        let expected = "1 35,940 requests/s; 1 12 ms; 1 3.5 µs; 1 2.45 MB; 1 24 %; 2 24%; 2 1.6×; 2 × 3; \
            2 20 times faster; 2 10–20 ms; 2 5 seconds; 4 64,000 rps; 4 7   s; 4 5-second";
        assert_eq!(typed(text).join("; "), expected);
    }

    #[test]
    fn counts_names_and_code_are_free() {
        let text = "64 connections and 1000 visits, seen 7 times in the year 2026: HTTP/1.1, status 503,\n\
            port 8000. Step 2 is slow, step 2's too. `sleep 5 s`, redis 1.8.1; step 5 sends less than 5\n\n\
            s. {{#value bench step-5 p99 1000}} ms; {{#given 200 MB: their words}}\n\n\
            ```console\n$ sleep 1 # 5 s\n```\n";
        assert_eq!(typed(text), Vec::<String>::new());
    }

    #[test]
    fn a_figure_is_found_on_its_line_wherever_it_stands() {
        assert_eq!(
            typed("a\nb\n\nc\n5 ms `x`\n\n| a | b |\n|---|---|\n| 1 | 7 % |\n\n- x 3 s\n"),
            ["5 5 ms", "9 7 %", "11 3 s"]
        );
    }
}
