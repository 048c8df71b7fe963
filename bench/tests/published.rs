//! The runs under `bench/runs/` are published: what is drawn from them must be what they say.

use std::fs;
use std::path::{Path, PathBuf};

use bench::results::Results;
use bench::{markdown, plot};

/// The folders under `bench/runs/` that hold a run.
fn runs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    runs.retain(|run| run.is_dir());
    runs.sort();
    runs
}

#[test]
fn reports_and_plots_are_those_of_the_stored_results() {
    for run in runs() {
        let results = Results::read(&run).unwrap();
        let plots = plot::draw(&results);
        let mut files = vec![("report.md", markdown::report(&results, &plots))];
        files.extend(
            plots
                .iter()
                .map(|plot| (plot.file.as_str(), plot.svg.clone())),
        );
        let name = run.file_name().unwrap().display();
        for (file, expected) in files {
            let found = fs::read_to_string(run.join(file)).unwrap_or_default();
            assert!(
                found == expected,
                "bench/runs/{name}/{file} is not what its results.json says; \
                 render it again with: cargo xtask bench report bench/runs/{name}"
            );
        }
    }
}

#[test]
fn published_runs_name_no_folder_of_the_machine_that_made_them() {
    for run in runs() {
        let results = fs::read_to_string(run.join("results.json")).unwrap();
        for folder in ["/home/", "/root/", "/Users/", "/work/", "/tmp/"] {
            assert!(!results.contains(folder), "{}: {folder}", run.display());
        }
    }
}
