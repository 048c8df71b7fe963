//! The runs in `book/measurements/bench/` and the profiles beside them, and which of them the README and the
//! book show.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of the published runs, from the root of the repository.
pub const RUNS: &str = "book/measurements/bench";

/// The folder of the published profiles, from the root of the repository.
pub const PROFILES: &str = "book/measurements/profile";

/// What the folder of a run ends in that was made again right after another one, whose folder ends in
/// `-run-1`. It is there to be compared with.
const REPETITION: &str = "-run-2";

/// What the folder of a sweep ends in.
const SWEEP: &str = "-sweep";

/// The folders of all published runs, in order.
///
/// # Errors
///
/// When [`RUNS`] cannot be read.
pub fn all(root: &Path) -> Result<Vec<PathBuf>> {
    folders(&root.join(RUNS))
}

/// The folders of all published profiles, in order; none where no profile is published.
///
/// # Errors
///
/// When [`PROFILES`] cannot be read.
pub fn profiles(root: &Path) -> Result<Vec<PathBuf>> {
    let profiles = root.join(PROFILES);
    match profiles.exists() {
        true => folders(&profiles),
        false => Ok(Vec::new()),
    }
}

/// The folder of the profile that the book shows, if there is any: the newest.
///
/// # Errors
///
/// When [`PROFILES`] cannot be read.
pub fn profile(root: &Path) -> Result<Option<PathBuf>> {
    Ok(profiles(root)?.pop())
}

/// The folders in a folder, in order.
fn folders(of: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(of).with_context(|| format!("cannot read {}", of.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// The folder of the run that the README and the book show, if there is any: the newest that is no
/// repetition and no sweep.
///
/// # Errors
///
/// When [`RUNS`] cannot be read.
pub fn shown(root: &Path) -> Result<Option<PathBuf>> {
    newest(root, |name| {
        !name.ends_with(REPETITION) && !name.ends_with(SWEEP)
    })
}

/// The folder of the newest sweep, if there is any.
///
/// # Errors
///
/// When [`RUNS`] cannot be read.
pub fn sweep(root: &Path) -> Result<Option<PathBuf>> {
    newest(root, |name| name.ends_with(SWEEP))
}

fn newest(root: &Path, is_it: impl Fn(&str) -> bool) -> Result<Option<PathBuf>> {
    let mut folders = all(root)?.into_iter().rev();
    Ok(folders.find(|folder| is_it(&folder.to_string_lossy())))
}

/// The folder of the repetition of a run, if it was made again.
pub fn repetition(folder: &Path) -> Option<PathBuf> {
    let name = folder.to_str()?.strip_suffix("-run-1")?;
    let again = PathBuf::from(format!("{name}{REPETITION}"));
    again.exists().then_some(again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_run_is_shown_but_no_repetition_and_no_sweep() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(RUNS)).unwrap();
        assert_eq!(shown(root.path()).unwrap(), None);
        for name in [
            "2026-11-23",
            "2026-11-24-run-1",
            "2026-11-24-run-2",
            "2026-11-24-sweep",
        ] {
            fs::create_dir(root.path().join(RUNS).join(name)).unwrap();
        }
        fs::write(root.path().join(RUNS).join("README.md"), "").unwrap();
        let newest = root.path().join(RUNS).join("2026-11-24-run-1");
        assert_eq!(
            repetition(&newest),
            Some(newest.with_file_name("2026-11-24-run-2"))
        );
        assert_eq!(repetition(&newest.with_file_name("2026-11-23")), None);
        assert_eq!(shown(root.path()).unwrap(), Some(newest));
        assert_eq!(all(root.path()).unwrap().len(), 4);
        let sweep = root.path().join(RUNS).join("2026-11-24-sweep");
        assert_eq!(super::sweep(root.path()).unwrap(), Some(sweep));
    }

    #[test]
    fn the_newest_profile_is_shown_where_there_is_one() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(profile(root.path()).unwrap(), None);
        for name in ["2026-11-26", "2026-11-24"] {
            fs::create_dir_all(root.path().join(PROFILES).join(name)).unwrap();
        }
        let newest = root.path().join(PROFILES).join("2026-11-26");
        assert_eq!(profile(root.path()).unwrap(), Some(newest));
    }
}
