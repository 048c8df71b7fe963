//! The runs under `book/measurements/bench/` and the profiles beside them are published: what is drawn from
//! them must be what they say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::profile::{self, Profile};
use bench::results::Results;
use bench::{plot, published};

fn root() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.ancestors().nth(2).unwrap()
}

fn runs() -> Vec<PathBuf> {
    published::all(root()).unwrap()
}

#[test]
fn reports_and_plots_are_those_of_the_stored_results() {
    for run in runs() {
        let results = Results::read(&run).unwrap();
        let plots = plot::draw(&results);
        let mut files = vec![("report.md", bench::markdown(&results))];
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
                "book/measurements/bench/{name}/{file} is not what its results.json says; \
                 render it again with: cargo xtask bench report book/measurements/bench/{name}"
            );
        }
    }
}

#[test]
fn the_pages_of_profiles_are_those_of_the_stored_data() {
    for folder in published::profiles(root()).unwrap() {
        let profile = Profile::read(&folder).unwrap();
        let plot = plot::split(&profile).unwrap();
        let page = (profile::PAGE, profile::markdown(&profile));
        for (file, expected) in [page, (plot.file.as_str(), plot.svg.clone())] {
            let found = fs::read_to_string(folder.join(file)).unwrap_or_default();
            assert!(
                found == expected,
                "{} is not what its {} says; make it again with: cargo xtask profile --report {}",
                folder.join(file).display(),
                profile::FILE,
                folder.display()
            );
        }
        for server in &profile.servers {
            let flame = folder.join(server.flame());
            assert!(flame.is_file(), "{} is missing", flame.display());
        }
    }
}

#[test]
fn what_is_published_names_no_folder_of_the_machine_that_made_it() {
    let results = runs().into_iter().map(|run| run.join("results.json"));
    let profiles = published::profiles(root()).unwrap();
    let profiles = profiles
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let profiles = profiles.map(|file| file.unwrap().path());
    for file in results.chain(profiles) {
        let text = fs::read_to_string(&file).unwrap();
        for folder in ["/home/", "/root/", "/Users/", "/work/", "/tmp/"] {
            assert!(!text.contains(folder), "{}: {folder}", file.display());
        }
    }
}

/// What `bench compare` does with two folders.
fn compare(first: &Path, second: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("compare")
        .args([first, second])
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    (output.status.code(), text)
}

#[test]
fn a_run_that_was_repeated_agrees_with_itself() {
    for run in runs() {
        let Some(again) = published::repetition(&run) else {
            continue;
        };
        let (status, text) = compare(&run, &again);
        assert_eq!(status, Some(0), "{text}");
    }
}

#[test]
fn runs_that_cannot_both_be_right_are_found_out() {
    let folder = tempfile::tempdir().unwrap();
    for run in runs() {
        let mut slower = Results::read(&run).unwrap();
        for round in &mut slower.rounds {
            if let Some(figures) = &mut round.figures
                && round.contestant == "step-6-scaled"
            {
                figures.report.responses /= 10;
            }
        }
        slower.write(folder.path()).unwrap();
        let (status, text) = compare(&run, folder.path());
        assert_eq!(status, Some(1), "{text}");

        for round in &mut slower.rounds {
            round.connections = 3;
        }
        slower.write(folder.path()).unwrap();
        let (status, text) = compare(&run, folder.path());
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains("in common"), "{text}");
    }
}
