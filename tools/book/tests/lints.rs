//! Every lint, broken on purpose: a tiny book is right, and each drift in it is found where it is.

use std::{fs, path::Path};

use bench::results::Results;
use book::Mode;
use output::terminal::one_line;
use tempfile::TempDir;

/// A chapter with its whole outline. Only `wrong` and `table` differ between the two steps.
const CHAPTER: &str = r#"# Step NUMBER: NAME

Intro. See [the pool](glossary.md#pool) and [running](#run-it).

## What you will have

A count. It stops after {{#value setting step-2 DRAIN_TIMEOUT_MS}}, with {{#given 10 s: Docker's own default}} at most.

## What is still wrong

```console
$ echo wrong
wrong
```

## Predict first

<details><summary>The answer</summary>

It {{#value bench step-2 requests 1000}} requests/s.

</details>

## The change

CHANGE

## Why this and not something else

- one
- two

```rust,sketch
fn other() {}
```

## Run it

```console
$ echo run
run
```

## Measure it

{{#include generated/STEP/bench.md}}

{{#picture generated/throughput-1000.svg | Requests a second.}}

## Break it

{{#experiment rolling-restart 1 2}}

## What it still lacks

Much.

## Exercises

### One

<details><summary>Solution</summary>

`cargo xtask check --url http://localhost:8000`

</details>

### Two

<details><summary>Solution</summary>

`cargo xtask check 2`

</details>
"#;

const RECORDING: &str = "book/measurements/experiments/rolling-restart-1-2.json";

const LIB: &str = "//! What it is.\n\n/// Counts.\n// ANCHOR: visit\npub fn visit() -> u64 {\n    1\n}\n// ANCHOR_END: visit\n";

fn write(root: &Path, name: &str, text: &str) {
    let file = root.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A repository with two steps, a run and a book of four pages, in which all is right.
fn tiny() -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let real = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    fs::create_dir_all(root.join("book/src")).unwrap();
    fs::copy(real.join("book/book.toml"), root.join("book/book.toml")).unwrap();
    fs::create_dir_all(root.join("book/theme")).unwrap();
    for file in steps::files(&real.join("book/theme")).unwrap() {
        fs::copy(&file, root.join(file.strip_prefix(real).unwrap())).unwrap();
    }
    let shown = bench::published::shown(real).unwrap().unwrap();
    let mut run = Results::read(&shown).unwrap();
    // As few as have intervals: to draw those takes longer than all else that a test does.
    run.rounds.retain(|round| round.round <= 5);
    let published = root.join("book/measurements/bench/a");
    fs::create_dir_all(&published).unwrap();
    run.write(&published).unwrap();

    let recording = real.join(RECORDING);
    fs::create_dir_all(root.join(RECORDING).parent().unwrap()).unwrap();
    fs::copy(recording, root.join(RECORDING)).unwrap();

    for (name, lib) in [
        ("step-1-memory", LIB.to_owned()),
        ("step-2-redis", LIB.replace("    1\n", "    2\n")),
    ] {
        let manifest = format!("[package]\nname = \"{name}\"\n");
        write(root, &format!("steps/{name}/Cargo.toml"), &manifest);
        write(root, &format!("steps/{name}/src/lib.rs"), &lib);
    }
    let settings = "fn limits() { milliseconds(\"DRAIN_TIMEOUT_MS\", 5000) }\n";
    write(root, "steps/step-2-redis/src/settings.rs", settings);

    let summary = "# Summary\n\n[Intro](intro.md)\n\n- [One](step-1-memory.md)\n- [Two](step-2-redis.md)\n- [Glossary](glossary.md)\n";
    write(root, "book/src/SUMMARY.md", summary);
    write(
        root,
        "book/src/intro.md",
        "# Intro\n\nText, and [a step](step-1-memory.md#break-it).\n\n![A dot](dot.png)\n\nSee [settings](repo:steps/step-2-redis/src/settings.rs).\n",
    );
    write(root, "book/src/dot.png", "");
    write(
        root,
        "book/src/glossary.md",
        "# Glossary\n\npool\n: Connections kept open.\n",
    );
    let chapter = |number, step: &str, change| {
        CHAPTER
            .replace("NUMBER", number)
            .replace("NAME", "name")
            .replace("STEP", step)
            .replace("CHANGE", change)
    };
    let first = "```rust\n{{#include ../../steps/step-1-memory/src/lib.rs:visit}}\n```";
    let second = "```diff\n{{#include generated/diff-1-2/src/lib.rs.diff:visit}}\n```\n\n```rust\n{{#include ../../steps/step-2-redis/src/lib.rs:visit}}\n```";
    write(
        root,
        "book/src/step-1-memory.md",
        &chapter("1", "step-1-memory", first),
    );
    write(
        root,
        "book/src/step-2-redis.md",
        &chapter("2", "step-2-redis", second),
    );
    book::prove(root, None, Mode::Bless, drop).unwrap();
    folder
}

fn problems(root: &Path) -> Vec<String> {
    let problems = book::lint(root).unwrap();
    problems.iter().map(ToString::to_string).collect()
}

fn edit(root: &Path, name: &str, from: &str, to: &str) {
    let file = root.join(name);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{name} has no {from:?}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// Replaces `from` with `to` in a file of the tiny book, and expects to be told `what` of `place`.
#[track_caller]
fn drift(name: &str, from: &str, to: &str, place: &str, what: &str) {
    let folder = tiny();
    edit(folder.path(), name, from, to);
    expect(folder.path(), place, what);
}

/// The same for several changes of one page, each made alone; places are lines of the page.
#[track_caller]
fn drifts(name: &str, changes: &[(&str, &str, &str, &str)]) {
    let folder = tiny();
    let right = fs::read_to_string(folder.path().join(name)).unwrap();
    for (from, to, line, what) in changes {
        edit(folder.path(), name, from, to);
        expect(folder.path(), &format!("{name}:{line}"), what);
        write(folder.path(), name, &right);
    }
}

#[track_caller]
fn expect(root: &Path, place: &str, what: &str) {
    let problems = problems(root);
    let mut places = problems.iter().filter(|problem| problem.starts_with(place));
    let is_found = places.any(|problem| problem.contains(what));
    assert!(is_found, "nothing says {what:?} of {place}: {problems:#?}");
}

const INTRO: &str = "book/src/intro.md";
const TWO: &str = "book/src/step-2-redis.md";
const LIB_1: &str = "steps/step-1-memory/src/lib.rs";
const LIB_2: &str = "steps/step-2-redis/src/lib.rs";
/// A file that is there, but not in the book and not in the repository.
const ELSEWHERE: &str = "../../../../../../../../../../../../etc/passwd";
const DIFF: &str = "book/src/generated/diff-1-2/src/lib.rs.diff:";

#[test]
fn a_book_in_which_all_is_right_passes() {
    assert_eq!(problems(tiny().path()), Vec::<String>::new());
}

#[test]
fn a_missing_file_is_found() {
    let gone = "step-2-redis/src/gone.rs:visit";
    let what = "cannot include ../../steps/step-2-redis/src/gone.rs";
    drifts(TWO, &[("step-2-redis/src/lib.rs:visit", gone, "31:", what)]);
}

#[test]
fn a_missing_anchor_is_found_with_those_that_there_are() {
    let place = format!("{TWO}:31:");
    drift(
        LIB_2,
        "ANCHOR: visit",
        "ANCHOR: visits",
        &place,
        "it has [\"visits\"]",
    );
}

#[test]
fn a_listing_may_name_an_item_and_one_that_is_gone_is_found() {
    let folder = tiny();
    edit(folder.path(), TWO, "src/lib.rs:visit", "src/lib.rs::visit");
    edit(folder.path(), LIB_2, "// ANCHOR: visit\n", "");
    edit(folder.path(), LIB_2, "// ANCHOR_END: visit\n", "");
    assert_eq!(problems(folder.path()), Vec::<String>::new());
    edit(folder.path(), TWO, "lib.rs::visit", "lib.rs::count");
    expect(folder.path(), &format!("{TWO}:31:"), "has no item count");
}

#[test]
fn an_anchor_that_no_page_uses_is_found() {
    let what = "no page shows the part \"top\"";
    let marked = "// ANCHOR: top\n//! What";
    drift(LIB_1, "//! What", marked, &format!("{LIB_1}:1:"), what);
}

#[test]
fn an_anchor_of_the_dockerfile_that_no_page_uses_is_found() {
    let folder = tiny();
    let text = "FROM a\n# ANCHOR: b\nRUN b\n# ANCHOR_END: b\n";
    write(folder.path(), "Dockerfile", text);
    expect(
        folder.path(),
        "Dockerfile:2:",
        "no page shows the part \"b\"",
    );
}

#[test]
fn a_function_that_got_another_name_is_found_in_its_diff() {
    drift(LIB_2, "fn visit", "fn count", DIFF, "out of date");
    let folder = tiny();
    edit(folder.path(), LIB_2, "fn visit", "fn count");
    edit(folder.path(), LIB_1, "fn visit", "fn count");
    book::prove(folder.path(), None, Mode::Bless, drop).unwrap();
    let what = "no part between `ANCHOR: visit`";
    expect(folder.path(), &format!("{TWO}:27:"), what);
}

#[test]
fn a_file_outside_of_the_repository_is_refused() {
    let file = "../../steps/step-2-redis/src/lib.rs:visit";
    let what = "lies outside of the repository";
    drifts(TWO, &[(file, ELSEWHERE, "31:", what)]);
}

#[test]
fn a_folder_that_holds_something_else_is_left_alone() {
    let folder = tiny();
    let steps = folder.path().join("steps");
    let error = book::render_checked(folder.path(), &steps).unwrap_err();
    let what = "holds something that is no book; name an empty or a new folder with --out";
    assert!(error.to_string().ends_with(what), "{error:#}");
    assert!(folder.path().join(LIB_1).exists());
}

#[test]
fn line_numbers_are_refused() {
    let numbers = "step-2-redis/src/lib.rs:3:9";
    let what = "line numbers drift";
    drifts(
        TWO,
        &[("step-2-redis/src/lib.rs:visit", numbers, "31:", what)],
    );
}

#[test]
fn a_block_without_a_kind_or_with_typed_code_is_found() {
    drifts(
        TWO,
        &[
            ("```rust,sketch", "```", "39:", "no kind"),
            ("```rust,sketch", "```rust", "39:", "code is not typed"),
            ("```rust,sketch", "```rusty", "39:", "no kind of block"),
            ("```diff", "```rust", "26:", "call the block ```diff"),
            ("Much.", "    much();", "", "code by indentation"),
            ("$ echo run", "echo run", "", "without a command"),
            ("\nrun\n", "\nr[..]\n", "", "record it with"),
        ],
    );
}

#[test]
fn a_stale_or_missing_or_forgotten_generated_file_is_found() {
    let table = "book/src/generated/step-2-redis/bench.md";
    let remedy = "cargo xtask book bless";
    drift(
        table,
        "requests/s",
        "requests",
        &format!("{table}:"),
        remedy,
    );
    drift(LIB_2, "    2\n", "    3\n", DIFF, "out of date");
    let folder = tiny();
    let (missing, old) = (
        "book/src/generated/circumstances.md",
        "book/src/generated/old.md",
    );
    fs::remove_file(folder.path().join(missing)).unwrap();
    write(folder.path(), old, "x");
    expect(folder.path(), &format!("{missing}:"), "missing");
    expect(folder.path(), &format!("{old}:"), "nothing generates this");
}

#[test]
fn a_changed_measurement_makes_its_tables_stale() {
    let run = "book/measurements/bench/a/results.json";
    let table = "book/src/generated/circumstances.md:";
    drift(
        run,
        "\"duration_s\": ",
        "\"duration_s\": 1",
        table,
        "out of date",
    );
}

#[test]
fn a_dead_link_or_anchor_is_found() {
    let settings = "there is no steps/step-2-redis/src/sittings.rs";
    drifts(
        INTRO,
        &[
            ("step-1-memory.md#break-it", "http://x/", "3:", "https://"),
            (
                "step-1-memory.md#",
                "step-9-none.md#",
                "3:",
                "leads nowhere",
            ),
            ("#break-it", "#mend-it", "3:", "without a heading #mend-it"),
            ("step-1-memory.md#break-it", "theme", "3:", "leads nowhere"),
            (
                "step-1-memory.md#break-it",
                ELSEWHERE,
                "3:",
                "leads nowhere",
            ),
            ("settings.rs", "sittings.rs", "7:", settings),
            ("dot.png", "http://example.com/", "", "another host"),
        ],
    );
    let page = "book/src/step-1-memory.md:3:";
    drift("book/src/glossary.md", "pool\n", "crowd\n", page, "#pool");
}

#[test]
fn a_figure_typed_by_hand_is_found() {
    let text = "It does 40,000 requests/s";
    let what = "\"40,000 requests/s\" is typed by hand";
    drifts(INTRO, &[("Text", text, "3:", what)]);
    let setting = "{{#value setting step-2 DRAIN_TIMEOUT_MS}}";
    let (known, unknown) = ("bench step-2 requests 1000", "bench step-2 speed 1000");
    let source = ": Docker's own default";
    drifts(
        TWO,
        &[
            (setting, "5 s", "7:", "\"5 s\" is typed by hand"),
            (source, "", "7:", "where the figure comes from"),
            (known, unknown, "20:", "no figure called speed"),
            (
                "DRAIN_TIMEOUT_MS",
                "DRAIN_MS",
                "7:",
                "no limit called DRAIN_MS",
            ),
        ],
    );
}

#[test]
fn a_page_that_the_summary_does_not_name_is_found_and_the_reverse() {
    let folder = tiny();
    let root = folder.path();
    write(root, "book/src/lost.md", "# Lost\n");
    expect(root, "book/src/lost.md:1:", "no reader finds this page");
    write(root, "steps/step-3-rocket/Cargo.toml", "[package]\n");
    write(root, "steps/step-3-rocket/src/lib.rs", "");
    expect(root, "book/src/SUMMARY.md:", "step-3-rocket has no chapter");
    for (wrong, what) in [
        ("gone.md", "failed to read chapter `gone.md`"),
        ("intro.md", "Duplicate file in SUMMARY.md: \"intro.md\""),
    ] {
        edit(root, "book/src/SUMMARY.md", "glossary.md", wrong);
        let error = book::lint(root).unwrap_err();
        assert!(one_line(&error).contains(what), "{error:#}");
        edit(
            root,
            "book/src/SUMMARY.md",
            &format!("[Glossary]({wrong}"),
            "[Glossary](glossary.md",
        );
    }
}

#[test]
fn a_chapter_that_lacks_a_part_of_the_outline_is_found() {
    let console = "```console\n$ echo wrong\nwrong\n```";
    let (details, div) = ("<details><summary>The answer", "<div><summary>The answer");
    let picture = "{{#picture generated/throughput-1000.svg | Requests a second.}}";
    drifts(
        TWO,
        &[
            ("# Step 2: ", "# Two: ", "1:", "`# Step 2: …`"),
            (
                "## Break it",
                "## Destroy it",
                "",
                "\"## Break it\" is missing",
            ),
            (
                "## Break it",
                "## Destroy it",
                "",
                "no section \"Destroy it\"",
            ),
            ("## Run it", "## Break it", "", "\"## Run it\" is missing"),
            (console, "", "9:", "console"),
            (details, div, "16:", "fold"),
            (
                "{{#include generated/step",
                "{{#include ../generated/step",
                "",
                "no table",
            ),
            ("- two", "", "", "alternatives"),
            (picture, "", "", "plot"),
            ("### Two", "", "", "two ###"),
            ("`cargo xtask check 2`", "", "", "nobody can check"),
        ],
    );
}

#[test]
fn a_solution_that_nothing_proves_is_found() {
    let solution = "`cargo xtask check 2`";
    let sketch = format!("{solution}\n\n```rust,sketch\nfn solved() {{}}\n```");
    let what = "make it a patch in book/exercises";
    drifts(TWO, &[(solution, &sketch, "", what)]);
}

#[test]
fn a_solution_is_shown_on_a_page() {
    let folder = tiny();
    let root = folder.path();
    let patch = "has: counts\n\ndiff --git a/steps/step-2-redis/src/lib.rs b/steps/step-2-redis/src/lib.rs\n--- a/steps/step-2-redis/src/lib.rs\n+++ b/steps/step-2-redis/src/lib.rs\n@@ -4,3 +4,3 @@\n pub fn visit() -> u64 {\n-    2\n+    1 + 1\n }\n";
    let file = "book/exercises/step-2-sum.patch";
    write(root, file, patch);
    let place = format!("{file}:1:");
    expect(root, &place, "no page shows it");
    let solution =
        "`cargo xtask check 2`\n\n```diff\n{{#include ../exercises/step-2-sum.patch}}\n```";
    edit(root, TWO, "`cargo xtask check 2`", solution);
    assert_eq!(problems(root), Vec::<String>::new());
    edit(root, file, "has: counts", "it counts");
    expect(root, &place, "declares nothing");
}

#[test]
fn an_experiment_is_shown_with_what_came_of_it() {
    let (folder, out) = (tiny(), TempDir::new().unwrap());
    book::render_checked(folder.path(), out.path()).unwrap();
    let page = fs::read_to_string(out.path().join("step-2-redis.html")).unwrap();
    let (_, figure) = page.split_once("<figure class=\"experiment\">").unwrap();
    let (figure, _) = figure.split_once("</figure>").unwrap();
    for part in [
        "<seen-experiment>",
        "class=\"timeline\"",
        "<script type=\"application/json\">{\"version\":1,\"experiment\":\"rolling-restart\"",
        "<strong>step-1-memory breaks, as its contract says.</strong>",
        "<strong>step-2-redis ",
        "<code>cargo xtask break rolling-restart 1 2</code>",
        "<code>cargo xtask lab 1 2 --experiment rolling-restart</code>",
    ] {
        assert!(figure.contains(part), "{part} is not in\n{figure}");
    }
}

#[test]
fn an_experiment_that_is_not_there_is_found() {
    let shown = "{{#experiment rolling-restart 1 2}}";
    let missing = "there is no book/measurements/experiments/rolling-restart-2.json";
    drifts(
        TWO,
        &[
            (shown, "{{#experiment rolling-restart 2}}", "", missing),
            (
                shown,
                "{{#experiment rolling-restat 1 2}}",
                "",
                "did you mean rolling-restart?",
            ),
            (
                shown,
                "{{#experiment rolling-restart 3}}",
                "",
                "no step \"3\"",
            ),
            (
                shown,
                "{{#experiment rolling-restart}}",
                "",
                "names no step",
            ),
            (shown, "Nothing.", "", "shows no experiment"),
        ],
    );
    let folder = tiny();
    let stray = RECORDING.replace("1-2", "2");
    write(folder.path(), &stray, "");
    expect(folder.path(), &format!("{stray}:1:"), "no page shows it");
}

#[test]
fn a_recording_of_another_form_of_the_experiment_is_found() {
    let folder = tiny();
    edit(
        folder.path(),
        RECORDING,
        "Two copies, one Redis",
        "Two copies",
    );
    expect(folder.path(), TWO, "of another form of the experiment");
    edit(
        folder.path(),
        RECORDING,
        "\"surprises\":[]",
        "\"surprises\":[\"`cuts` showed\"]",
    );
    edit(
        folder.path(),
        RECORDING,
        "Two copies",
        "Two copies, one Redis",
    );
    expect(folder.path(), TWO, "not what the contract says");
}

#[test]
fn an_image_without_words_is_found() {
    let html = "<img src=\"dot.png\">";
    drifts(
        INTRO,
        &[
            ("![A dot]", "![]", "5:", "cannot see it"),
            ("![A dot](dot.png)", html, "5:", "cannot see it"),
        ],
    );
}

#[test]
fn whatever_comes_from_another_host_is_found() {
    let script = "<script src=\"//cdn.example/x.js\"></script>";
    drifts(
        INTRO,
        &[
            (
                "dot.png",
                "https://example.com/dot.png",
                "5:",
                "another host",
            ),
            ("Text", script, "3:", "another host"),
            (
                "Text",
                "<p style=\"background:url('//x/y.png')\">x</p>",
                "3:",
                "another host",
            ),
            (
                "Text",
                "<i>1 < 2</i><img src='https://x/' alt=x>",
                "3:",
                "another host",
            ),
        ],
    );
    let folder = tiny();
    let harmless = "<script>'<img src=no>'</script><!-- <img src=\"no\"> --><a href='step-1-memory.html#break-it'>x</a>";
    edit(folder.path(), INTRO, "Text", harmless);
    assert_eq!(problems(folder.path()), Vec::<String>::new());
    let style = "@import \"https://fonts.example/a.css\";\n";
    write(folder.path(), "book/theme/book.css", style);
    expect(folder.path(), "book: theme/book.css:1:", "another host");
}

#[test]
fn an_unknown_directive_is_found() {
    let what = "no directive {{#playground}}";
    drifts(INTRO, &[("Text", "{{#playground x.rs}}", "3:", what)]);
}

/// An experiment that no page shows is one that nobody learns from.
#[test]
fn every_experiment_is_on_a_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let book = book::Book::read(root.unwrap()).unwrap();
    for experiment in experiments::catalog::EXPERIMENTS {
        let shown = format!("{{{{#experiment {} ", experiment.name);
        let mut pages = book.pages.iter();
        let is_shown = pages.any(|page| page.text.contains(&shown));
        assert!(is_shown, "no page has {shown}…}}}}");
    }
}
