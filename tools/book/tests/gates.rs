//! Every gate, broken on purpose: a tiny book is right, and each drift in it is found where it is.

use std::{fs, path::Path};

use book::{
    commands::render_checked,
    gates, generated,
    source::{self, Book},
};
use tempfile::TempDir;

/// A chapter with all its bones. Only `wrong` and `table` differ between the two steps.
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

```console
$ echo broken
broken
```

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
    for file in source::files(&real.join("book/theme")).unwrap() {
        fs::copy(&file, root.join(file.strip_prefix(real).unwrap())).unwrap();
    }
    let run = bench::published::shown(real)
        .unwrap()
        .unwrap()
        .join("results.json");
    fs::create_dir_all(root.join("book/measurements/bench/a")).unwrap();
    fs::copy(run, root.join("book/measurements/bench/a/results.json")).unwrap();

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
    generated::write(root, &generated::all(root).unwrap()).unwrap();
    folder
}

fn problems(root: &Path) -> Vec<String> {
    let out = TempDir::new().unwrap();
    let mut problems = render_checked(root, out.path()).unwrap();
    let book = Book::read(root).unwrap();
    problems.extend(gates::stale(&book, &generated::all(root).unwrap()).unwrap());
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

#[track_caller]
fn expect(root: &Path, place: &str, what: &str) {
    let problems = problems(root);
    let found = problems
        .iter()
        .any(|problem| problem.starts_with(place) && problem.contains(what));
    assert!(found, "nothing says {what:?} of {place}: {problems:#?}");
}

const TWO: &str = "book/src/step-2-redis.md";

#[test]
fn a_book_in_which_all_is_right_passes() {
    assert_eq!(problems(tiny().path()), Vec::<String>::new());
}

#[test]
fn a_missing_file_is_found() {
    drift(
        TWO,
        "step-2-redis/src/lib.rs:visit",
        "step-2-redis/src/gone.rs:visit",
        "book/src/step-2-redis.md:31:",
        "cannot include steps/step-2-redis/src/gone.rs",
    );
}

#[test]
fn a_missing_anchor_is_found_with_those_that_there_are() {
    drift(
        "steps/step-2-redis/src/lib.rs",
        "ANCHOR: visit",
        "ANCHOR: visits",
        "book/src/step-2-redis.md:31:",
        "it has: visits",
    );
}

#[test]
fn an_anchor_that_no_page_uses_is_found() {
    drift(
        "steps/step-1-memory/src/lib.rs",
        "//! What",
        "// ANCHOR: top\n//! What",
        "steps/step-1-memory/src/lib.rs:1:",
        "no page shows the part \"top\"",
    );
}

#[test]
fn an_anchor_of_the_dockerfile_that_no_page_uses_is_found() {
    let folder = tiny();
    write(
        folder.path(),
        "Dockerfile",
        "FROM a\n# ANCHOR: b\nRUN b\n# ANCHOR_END: b\n",
    );
    expect(
        folder.path(),
        "Dockerfile:2:",
        "no page shows the part \"b\"",
    );
}

#[test]
fn a_function_that_got_another_name_is_found_in_its_diff() {
    drift(
        "steps/step-2-redis/src/lib.rs",
        "fn visit",
        "fn count",
        "book/src/generated/diff-1-2/src/lib.rs.diff:",
        "out of date",
    );
    let folder = tiny();
    edit(
        folder.path(),
        "steps/step-2-redis/src/lib.rs",
        "fn visit",
        "fn count",
    );
    edit(
        folder.path(),
        "steps/step-1-memory/src/lib.rs",
        "fn visit",
        "fn count",
    );
    generated::write(folder.path(), &generated::all(folder.path()).unwrap()).unwrap();
    expect(
        folder.path(),
        "book/src/step-2-redis.md:27:",
        "no part between `ANCHOR: visit`",
    );
}

#[test]
fn line_numbers_are_refused() {
    drift(
        TWO,
        "step-2-redis/src/lib.rs:visit",
        "step-2-redis/src/lib.rs:3:9",
        "book/src/step-2-redis.md:31:",
        "line numbers drift",
    );
}

#[test]
fn a_block_without_a_kind_or_with_typed_code_is_found() {
    drift(
        TWO,
        "```rust,sketch",
        "```",
        "book/src/step-2-redis.md:39:",
        "no kind",
    );
    drift(
        TWO,
        "```rust,sketch",
        "```rust",
        "book/src/step-2-redis.md:39:",
        "code is not typed",
    );
    drift(
        TWO,
        "```rust,sketch",
        "```rusty",
        "book/src/step-2-redis.md:39:",
        "no kind of block",
    );
    drift(
        TWO,
        "```diff",
        "```rust",
        "book/src/step-2-redis.md:26:",
        "call the block ```diff",
    );
    drift(
        TWO,
        "Much.",
        "    much();",
        "book/src/step-2-redis.md:",
        "code by indentation",
    );
    drift(
        TWO,
        "$ echo run",
        "echo run",
        "book/src/step-2-redis.md:",
        "without a command",
    );
}

#[test]
fn a_stale_or_missing_or_forgotten_generated_file_is_found() {
    drift(
        "book/src/generated/step-2-redis/bench.md",
        "requests/s",
        "requests",
        "book/src/generated/step-2-redis/bench.md:",
        "cargo xtask book bless",
    );
    drift(
        "steps/step-2-redis/src/lib.rs",
        "    2\n",
        "    3\n",
        "book/src/generated/diff-1-2/src/lib.rs.diff:",
        "out of date",
    );
    let folder = tiny();
    fs::remove_file(folder.path().join("book/src/generated/circumstances.md")).unwrap();
    write(folder.path(), "book/src/generated/old.md", "x");
    expect(
        folder.path(),
        "book/src/generated/circumstances.md:",
        "missing",
    );
    expect(
        folder.path(),
        "book/src/generated/old.md:",
        "nothing generates this",
    );
}

#[test]
fn a_changed_measurement_makes_its_tables_stale() {
    drift(
        "book/measurements/bench/a/results.json",
        "\"duration_s\": ",
        "\"duration_s\": 1",
        "book/src/generated/circumstances.md:",
        "out of date",
    );
}

#[test]
fn a_dead_link_or_anchor_is_found() {
    drift(
        "book/src/intro.md",
        "step-1-memory.md#",
        "step-9-none.md#",
        "book/src/intro.md:3:",
        "leads nowhere",
    );
    drift(
        "book/src/intro.md",
        "#break-it",
        "#mend-it",
        "book/src/intro.md:3:",
        "without a heading #mend-it",
    );
    drift(
        "book/src/glossary.md",
        "pool\n",
        "crowd\n",
        "book/src/step-1-memory.md:3:",
        "#pool",
    );
    drift(
        "book/src/intro.md",
        "settings.rs",
        "sittings.rs",
        "book/src/intro.md:7:",
        "there is no steps/step-2-redis/src/sittings.rs",
    );
    drift(
        "book/src/intro.md",
        "dot.png",
        "http://example.com/",
        "book/src/intro.md",
        "another host",
    );
}

#[test]
fn a_figure_typed_by_hand_is_found() {
    drift(
        "book/src/intro.md",
        "Text",
        "It does 40,000 requests/s",
        "book/src/intro.md:3:",
        "\"40,000 requests/s\" is typed by hand",
    );
    drift(
        TWO,
        "{{#value setting step-2 DRAIN_TIMEOUT_MS}}",
        "5 s",
        "book/src/step-2-redis.md:7:",
        "\"5 s\" is typed by hand",
    );
    drift(
        TWO,
        ": Docker's own default",
        "",
        "book/src/step-2-redis.md:7:",
        "where the figure comes from",
    );
    drift(
        TWO,
        "bench step-2 requests 1000",
        "bench step-2 speed 1000",
        "book/src/step-2-redis.md:20:",
        "no figure called speed",
    );
    drift(
        TWO,
        "DRAIN_TIMEOUT_MS",
        "DRAIN_MS",
        "book/src/step-2-redis.md:7:",
        "no limit called DRAIN_MS",
    );
}

#[test]
fn a_page_that_the_summary_does_not_name_is_found_and_the_reverse() {
    let folder = tiny();
    write(folder.path(), "book/src/lost.md", "# Lost\n");
    expect(
        folder.path(),
        "book/src/lost.md:1:",
        "no reader finds this page",
    );
    let folder = tiny();
    write(
        folder.path(),
        "steps/step-3-rocket/Cargo.toml",
        "[package]\n",
    );
    write(folder.path(), "steps/step-3-rocket/src/lib.rs", "");
    expect(
        folder.path(),
        "book/src/SUMMARY.md:",
        "step-3-rocket has no chapter",
    );
}

#[test]
fn a_chapter_that_lacks_a_bone_is_found() {
    drift(
        TWO,
        "# Step 2: ",
        "# Two: ",
        "book/src/step-2-redis.md:1:",
        "`# Step 2: …`",
    );
    drift(
        TWO,
        "## Break it",
        "## Destroy it",
        "book/src/step-2-redis.md:",
        "\"## Break it\" is missing",
    );
    drift(
        TWO,
        "## Break it",
        "## Destroy it",
        "book/src/step-2-redis.md:",
        "no section \"Destroy it\"",
    );
    drift(
        TWO,
        "## Run it",
        "## Break it",
        "book/src/step-2-redis.md:",
        "\"## Run it\" is missing",
    );
    drift(
        TWO,
        "```console\n$ echo wrong\nwrong\n```",
        "",
        "book/src/step-2-redis.md:9:",
        "console",
    );
    drift(
        TWO,
        "<details><summary>The answer",
        "<div><summary>The answer",
        "book/src/step-2-redis.md:16:",
        "fold",
    );
    drift(
        TWO,
        "- two",
        "",
        "book/src/step-2-redis.md:",
        "alternatives",
    );
    drift(
        TWO,
        "{{#picture generated/throughput-1000.svg | Requests a second.}}",
        "",
        "book/src/step-2-redis.md:",
        "plot",
    );
    drift(TWO, "### Two", "", "book/src/step-2-redis.md:", "two ###");
}

#[test]
fn a_solution_that_nothing_proves_is_found() {
    drift(
        TWO,
        "`cargo xtask check 2`",
        "`cargo xtask check 2`\n\n```rust,sketch\nfn solved() {}\n```",
        TWO,
        "make it a patch in book/exercises",
    );
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
fn an_image_without_words_is_found() {
    drift(
        "book/src/intro.md",
        "![A dot]",
        "![]",
        "book/src/intro.md:5:",
        "cannot see it",
    );
    drift(
        "book/src/intro.md",
        "![A dot](dot.png)",
        "<img src=\"dot.png\">",
        "book/src/intro.md:5:",
        "cannot see it",
    );
}

#[test]
fn whatever_comes_from_another_host_is_found() {
    drift(
        "book/src/intro.md",
        "dot.png",
        "https://example.com/dot.png",
        "book/src/intro.md:5:",
        "another host",
    );
    drift(
        "book/src/intro.md",
        "Text",
        "<script src=\"//cdn.example/x.js\"></script>",
        "book/src/intro.md:3:",
        "another host",
    );
    let folder = tiny();
    let style = "@import \"https://fonts.example/a.css\";\n";
    write(folder.path(), "book/theme/book.css", style);
    expect(folder.path(), "book: theme/book.css:1:", "another host");
}

#[test]
fn an_unknown_directive_is_found() {
    drift(
        "book/src/intro.md",
        "Text",
        "{{#playground x.rs}}",
        "book/src/intro.md:3:",
        "no directive {{#playground}}",
    );
}
