//! The solutions of the exercises: each patch still applies to its step, compiles, and does to the
//! contract what it declares.
//!
//! A patch is applied to a copy of its step, in a workspace of its own below `target/tmp`. What the
//! step is built from is in `target` already, so that only the step itself is compiled.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use book::{EXERCISES, Exercise};
use contract::{Program, Source, Subject};
use private_redis::RedisProgram;

#[test]
fn every_solution_does_what_it_declares() {
    let (exercises, problems) = book::exercises(root()).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    assert!(!exercises.is_empty(), "{EXERCISES} is empty");
    let redis = redis();
    let mut wrong = Vec::new();
    for exercise in &exercises {
        match prove("exercises", exercise, redis.as_ref()) {
            Ok(found) => println!("{}: {found}", exercise.name),
            Err(what) => wrong.push(what),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_broken_solution_is_found() {
    let file = root().join(EXERCISES).join("step-1-mutex.patch");
    let right = fs::read_to_string(&file).unwrap();
    let (redis, mut names) = (RedisProgram::find(), 0..);
    let mut breaks = |from: &str, to: &str, what: &str| {
        assert!(right.contains(from), "the patch has no {from:?}");
        // A name of its own: cargo must not take one for the other.
        let name = format!("broken-{}", names.next().unwrap());
        let broken = Exercise::parse(&name, &right.replace(from, to)).unwrap();
        let found = prove("broken-exercises", &broken, redis.as_ref()).unwrap_err();
        println!("{found}");
        let start = format!("{EXERCISES}/{name}.patch: ");
        assert!(found.starts_with(&start) && found.contains(what), "{found}");
    };
    breaks(
        "-    seen: Arc<AtomicU64>",
        "-    seen: Arc<AtomicU32>",
        "no longer applies to steps/step-1-memory/src/lib.rs",
    );
    breaks("+        *seen += 1;", "+        seen += 1;", "error[E0");
    breaks("has: ", "has: uniqe ", "no capability \"uniqe\"");
    if redis.is_some() {
        let what = "declares `lacks: unique`, but the contract finds `has: unique`";
        breaks("has: greets counts unique", "lacks: unique", what);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

fn redis() -> Option<RedisProgram> {
    let redis = RedisProgram::find();
    if redis.is_none() {
        println!(
            "skipped: redis-server is missing, so the solutions are compiled and not checked; cargo xtask doctor"
        );
        assert!(
            env::var_os("SEEN_STRICT").is_none(),
            "--strict allows nothing to be skipped"
        );
    }
    redis
}

/// What the contract found, in one line; or what is wrong with the patch, and what to do.
fn prove(
    workspace: &str,
    exercise: &Exercise,
    redis: Option<&RedisProgram>,
) -> Result<String, String> {
    let Exercise { name, step, .. } = exercise;
    let wrong = |what: String| format!("{EXERCISES}/{name}.patch: {what}");
    let known = |id: &str| contract::CAPABILITIES.iter().any(|known| known.id == id);
    if let Some((id, _)) = exercise.findings.iter().find(|(id, _)| !known(id)) {
        return Err(wrong(format!("there is no capability {id:?}")));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(workspace);
    copy(&folder, exercise);
    apply(&folder, exercise).map_err(wrong)?;
    let program = build(&folder, exercise).map_err(wrong)?;
    let Some(redis) = redis else {
        return Ok("compiles".to_owned());
    };
    let number = steps::one(root(), Some(step)).unwrap().number;
    let subject = Subject::Step {
        name: step.clone(),
        number,
        // A race needs two threads, also on a machine with one core.
        program: Program {
            path: PathBuf::from("env"),
            arguments: vec!["TOKIO_WORKER_THREADS=4".into(), program],
        },
    };
    let only: Vec<String> = exercise.findings.iter().map(|(id, _)| id.clone()).collect();
    let source = Source::Private(redis.clone());
    let report = contract::run(&subject, &source, &only, |_| {});
    let mut found = Vec::new();
    for (id, has) in &exercise.findings {
        let cell = report.cells.iter().find(|cell| cell.id == *id).unwrap();
        let declared = if *has { "has" } else { "lacks" };
        let (verdict, evidence) = (cell.finding.verdict.to_string(), &cell.finding.evidence);
        if verdict != declared {
            let found = format!("{verdict}: {id} {evidence}");
            return Err(wrong(format!(
                "declares `{declared}: {id}`, but the contract finds `{}`\nmend the solution, or what it declares and its page says",
                found.trim_end()
            )));
        }
        found.push(format!("{declared} {id} {evidence}").trim().to_owned());
    }
    Ok(found.join("; "))
}

/// A workspace with nothing in it but the step. It lies in a folder of the patch's name, by which cargo
/// tells it from the step itself; and so does its program, from the step's own.
fn copy(folder: &Path, Exercise { name, step, .. }: &Exercise) {
    let _ = fs::remove_dir_all(folder);
    let source = root().join("steps").join(step);
    let target = folder.join(name).join("steps").join(step);
    for file in steps::files(&source).unwrap() {
        let copy = target.join(file.strip_prefix(&source).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest = manifest.lines().map(|line| {
        if line.starts_with("members = ") {
            format!("members = [\"{name}/steps/{step}\"]\n")
        } else if line.starts_with("default-members = ") {
            String::new()
        } else {
            let path = format!("{{ path = \"{}/", root().display());
            line.replace("{ path = \"", &path) + "\n"
        }
    });
    fs::write(folder.join("Cargo.toml"), manifest.collect::<String>()).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

fn apply(folder: &Path, Exercise { name, patch, .. }: &Exercise) -> Result<(), String> {
    let file = folder.join(format!("{name}.patch"));
    fs::write(&file, patch).unwrap();
    let output = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .arg(file)
        .current_dir(folder.join(name))
        // Or git would look for the files in the repository around.
        .env("GIT_CEILING_DIRECTORIES", folder)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("cannot start git: {error}; install it"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let place = said
        .lines()
        .find_map(|line| line.strip_prefix("error: patch failed: "));
    Err(format!(
        "no longer applies to {}\napply it to the step with git apply --reject, put right what is left in the .rej file, and replace all below the findings by what git diff prints",
        place.unwrap_or(&said)
    ))
}

/// Builds the patched step from what the lock file of the repository names, and nothing else.
fn build(folder: &Path, Exercise { name, step, .. }: &Exercise) -> Result<OsString, String> {
    let manifest = folder
        .join(name)
        .join("steps")
        .join(step)
        .join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replacen("[package]\n", "[package]\nautobins = false\n", 1);
    let program = format!("exercise-{name}");
    let binary = format!("\n[[bin]]\nname = \"{program}\"\npath = \"src/main.rs\"\n");
    fs::write(manifest, text + &binary).unwrap();

    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--color=never", "--target-dir"])
        .arg(target)
        .current_dir(folder);
    // What cargo tells this test is not meant for the cargo that this test runs.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("does not compile\n{said}"));
    }
    if said.contains(") generated ") {
        return Err(format!("compiles, but not without warnings\n{said}"));
    }
    let locked = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let used = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    let package = |block: &str| block.lines().take(2).collect::<Vec<_>>().join(", ");
    let packages: Vec<String> = locked.split("[[package]]\n").map(package).collect();
    let mut used = used.split("[[package]]\n").map(package);
    if let Some(other) = used.find(|used| !packages.contains(used)) {
        return Err(format!(
            "needs {other}, which Cargo.lock does not have; say the solution in words"
        ));
    }
    Ok(target.join("debug").join(program).into())
}
