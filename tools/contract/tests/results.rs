//! What a run found is stored without what varies, and rendered as README has it.

use std::{fs, path::Path};

use contract::{Cell, Finding, Report, Verdict, markdown, results};

fn report(subject: &str, findings: &[(&str, Finding)]) -> Report {
    let cells = findings.iter().map(|(id, finding)| Cell {
        id: (*id).to_owned(),
        finding: finding.clone(),
        as_expected: true,
    });
    Report {
        subject: subject.to_owned(),
        cells: cells.collect(),
    }
}

fn has() -> Finding {
    Finding::new(Verdict::Has, "")
}

fn has_but() -> Finding {
    Finding::new(Verdict::HasBut, "answers POST / with 404")
}

fn lacks(seen: &str) -> Finding {
    Finding::new(Verdict::Lacks, seen)
}

fn left_out() -> Finding {
    Finding::new(Verdict::LeftOut, "no cluster here")
}

#[test]
fn the_table_has_a_row_a_capability_and_a_footnote_a_difference() {
    let reports = [
        report("step-2-redis", &[("greets", has()), ("counts", left_out())]),
        report(
            "step-3-rocket",
            &[("greets", has_but()), ("counts", has_but())],
        ),
    ];
    let table = markdown(&reports);
    let ends = |id: &str, cells: &str| {
        let row = table.lines().find(|line| line.contains(id)).unwrap();
        assert!(row.ends_with(cells), "{table}");
    };
    assert!(
        table.starts_with("| capability | | 2 | 3 |\n|---|---|:-:|:-:|\n"),
        "{table}"
    );
    ends("`greets`", "| yes | yes<sup>1</sup> |");
    ends("`counts`", "| ? | yes<sup>1</sup> |");
    ends("`heals`", "| ? | ? |");
    assert!(
        table.ends_with("<sup>1</sup> step-3-rocket: answers POST / with 404"),
        "{table}"
    );
}

#[test]
fn a_run_changes_what_is_stored_only_by_its_verdicts() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract.json");
    let stored = [
        report(
            "step-1-memory",
            &[
                ("greets", has()),
                ("heals", lacks("")),
                ("counts", has_but()),
            ],
        ),
        report("step-2-redis", &[("greets", has())]),
    ];
    results::write(&file, &stored).unwrap();
    assert_eq!(results::read(&file).unwrap(), stored);

    // What was measured and what was left out is nothing new, and step 2 was not checked.
    let run = report(
        "step-1-memory",
        &[
            ("greets", Finding::new(Verdict::Has, "in 7 ms")),
            ("heals", left_out()),
            ("counts", has_but()),
        ],
    );
    assert_eq!(results::update(&file, &[run], false).unwrap(), None);

    let run = [report(
        "step-2-redis",
        &[("greets", lacks("HTTP 500 after 7 ms"))],
    )];
    let difference = results::update(&file, &run, false).unwrap().unwrap();
    assert!(
        difference.contains("step-2-redis") && difference.contains("--bless"),
        "{difference}"
    );
    assert_eq!(
        results::read(&file).unwrap(),
        stored,
        "nothing was accepted yet"
    );
    assert_eq!(results::update(&file, &run, true).unwrap(), None);
    let [first, second] = results::read(&file).unwrap().try_into().unwrap();
    assert_eq!(first, stored[0]);
    assert_eq!(second, report("step-2-redis", &[("greets", lacks(""))]));
}

#[test]
fn what_was_not_expected_is_stored_with_what_was_seen() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unexpected.json");
    let mut report = report("http://localhost:8000", &[("greets", lacks("HTTP 500"))]);
    report.cells[0].as_expected = false;
    results::write(&file, std::slice::from_ref(&report)).unwrap();
    assert_eq!(results::read(&file).unwrap(), [report]);
}

#[test]
fn the_readme_shows_what_the_stored_reports_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let table = markdown(&results::read(&root.join(results::FILE)).unwrap());
    assert!(
        readme.contains(&table),
        "accept with: cargo xtask test --bless"
    );
}
