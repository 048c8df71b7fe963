//! Solutions, compiled together.
//!
//! Each lies in a package with the manifest that a reader gets, but without what only tests need. All are members
//! of one workspace with the lock file, the lints and the profiles of ours, and are compiled into our own target
//! folder. One more member asks for the features that their dependencies have in our workspace. So these are
//! compiled already.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use own_step::{Exercise, Goal};
use steps::Step;

use super::{named, root, target};

/// The member that asks for features.
const FEATURES: &str = "features";

/// A folder with solutions.
pub struct Workshop {
    folder: PathBuf,
    members: Vec<String>,
}

impl Workshop {
    pub fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self {
            folder,
            members: Vec::new(),
        }
    }

    /// Adds a package with the sources of this step and the manifest that a reader begins with.
    pub fn add(&mut self, name: &str, goal: &Goal, solution: &Step) {
        let folder = self.folder.join(name);
        let manifest = &own_step::files(root(), goal, name).unwrap()[Path::new("Cargo.toml")];
        let (manifest, _) = manifest.split_once("[dev-dependencies]").unwrap();
        let manifest = format!("{manifest}[lints]\nworkspace = true\n");
        write_new(&folder.join("Cargo.toml"), &manifest);
        for (file, text) in named(solution, name) {
            write_new(&folder.join(file), &text);
        }
        self.members.push(name.to_owned());
    }

    /// Compiles all, and returns where each program is. They must compile without a warning, and from nothing that
    /// our lock file does not name.
    pub fn build(&self) -> impl Fn(&str) -> PathBuf + use<> {
        let ours = fs::read_to_string(root().join("Cargo.toml")).unwrap();
        let (_, alike) = ours.split_once("[workspace.lints.rust]").unwrap();
        let lock = root().join("Cargo.lock");
        let write_workspace = |members: &[String]| {
            let manifest = format!(
                "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n[workspace.lints.rust]{alike}"
            );
            write_new(&self.folder.join("Cargo.toml"), &manifest);
            fs::copy(&lock, self.folder.join("Cargo.lock")).unwrap();
        };
        write_workspace(&self.members);
        self.write_features();
        let mut members = self.members.clone();
        members.push(FEATURES.to_owned());
        write_workspace(&members);

        let target = target();
        let mut cargo = steps::cargo(&self.folder);
        cargo.args(["build", "--workspace", "--offline", "--color=never"]);
        let output = cargo.arg("--target-dir").arg(target).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(!said.contains(") generated "), "there are warnings: {said}");
        let packages = |lock: &Path| -> Vec<String> {
            let lock = fs::read_to_string(lock).unwrap();
            let packages = lock.split("[[package]]\n").skip(1);
            let lines = packages.map(|package| package.lines().take(2).collect());
            lines.collect()
        };
        let known = packages(&lock);
        for package in packages(&self.folder.join("Cargo.lock")) {
            let is_member = members.iter().any(|name| package.contains(&**name));
            assert!(
                is_member || known.contains(&package),
                "Cargo.lock does not have {package}; say the solution in words"
            );
        }
        let target = target.join("debug");
        move |name| target.join(name)
    }

    /// Writes the package that asks for the features that our workspace asks for.
    fn write_features(&self) {
        let (ours, theirs) = (features(root()), features(&self.folder));
        let differs = |(package, has): &(&String, &String)| {
            ours.get(*package).is_some_and(|wants| wants != *has)
        };
        let differing = theirs.iter().filter(differs);
        let dependencies = (0..).zip(differing).map(|(number, (package, _))| {
            let (name, version) = package.split_once(" v").unwrap();
            let wanted = ours[package].split(',');
            let wanted: Vec<&str> = wanted.filter(|feature| !feature.is_empty()).collect();
            format!(
                "of-{number} = {{ package = {name:?}, version = \"={version}\", default-features = false, features = {wanted:?} }}\n"
            )
        });
        let dependencies: String = dependencies.collect();
        let manifest = format!(
            "[package]\nname = {FEATURES:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}"
        );
        let folder = self.folder.join(FEATURES);
        write_new(&folder.join("src/lib.rs"), "//! Nothing.\n");
        write_new(&folder.join("Cargo.toml"), &manifest);
    }
}

/// The features of what a workspace depends on, behind commas, for each package such as "tokio v1.54.1". What runs
/// at compile time, cargo compiles apart, with features of its own.
fn features(workspace: &Path) -> BTreeMap<String, String> {
    let mut cargo = steps::cargo(workspace);
    cargo.args("tree --workspace --offline --prefix none --no-dedupe --edges no-build,no-proc-macro --format".split(' '));
    let output = cargo.arg("{p}|{f}").output().unwrap();
    let (listed, said) = (&output.stdout, &output.stderr);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(said));
    let listed = String::from_utf8_lossy(listed);
    let lines = listed.lines().filter_map(|line| line.split_once('|'));
    // A package of the workspace itself has a path behind its version.
    let others = lines.filter(|(package, _)| !package.contains('('));
    others
        .map(|(package, features)| (package.to_owned(), features.to_owned()))
        .collect()
}

/// What a package is made of stays as it is where nothing has changed, so that cargo need not compile it again.
fn write_new(file: &Path, text: &str) {
    if !fs::read_to_string(file).is_ok_and(|old| old == text) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// The step that an exercise changes, changed: a copy of it in `folder` to which the patch was applied.
///
/// # Errors
///
/// When the patch no longer applies, with what to do.
pub fn solved(folder: &Path, goal: &Goal, exercise: &Exercise) -> Result<Step, String> {
    let copy = folder.join("steps").join(&goal.step.name);
    for file in goal.step.files().unwrap() {
        let copy = copy.join(&file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(goal.step.folder.join(file), copy).unwrap();
    }
    let patch = folder.join("solution.patch");
    fs::write(&patch, &exercise.patch).unwrap();
    let output = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .arg(&patch)
        .current_dir(folder)
        // Or git would look for the files in the repository around.
        .env("GIT_CEILING_DIRECTORIES", folder)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("cannot start git: {error}; install it"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let failed = |line: &str| Some(line.strip_prefix("error: patch failed: ")?.to_owned());
        let place = said.lines().find_map(failed);
        return Err(format!(
            "{}.patch no longer applies to {}\napply it to the step with git apply --reject, put right what is left in the .rej file, and replace all below the declarations by what git diff prints",
            exercise.name,
            place.unwrap_or_else(|| said.into_owned())
        ));
    }
    Ok(Step {
        folder: copy,
        ..goal.step.clone()
    })
}
