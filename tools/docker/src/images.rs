//! The images that ours are built on: pulled from a registry, or where there is none, stand-ins.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result};

use crate::{inspect, run};

/// The label that tools/docker/stand-ins.sh puts on what it makes. Its value is the script's version.
const LABEL: &str = "seen-n-times.stand-in";

/// A step that has no `/readyz`. It is the smallest, and so is soonest compiled.
pub const EARLY_STEP: &str = "step-1-memory";

/// Where a base image comes from.
#[derive(PartialEq, Eq)]
enum Origin {
    /// From a registry.
    Registry,
    /// From tools/docker/stand-ins.sh, as it is now.
    StandIn,
    /// From nowhere: there is none, or a stand-in of another version of the script.
    Nowhere,
}

/// Makes sure that the base images are here, and tells `say` where each comes from, a line at a time.
///
/// # Errors
///
/// When one is not here and can neither be pulled nor stood in for.
pub fn ensure_base_images(root: &Path, say: impl FnMut(&str)) -> Result<()> {
    one_at_a_time(root, || pull_or_make(root, say))
}

/// Builds the image that `docker-compose up` would build, of this step or of the last one, so that this has nothing
/// left to build.
///
/// # Errors
///
/// When it cannot be built.
pub fn ensure_image(root: &Path, step: Option<&str>) -> Result<()> {
    one_at_a_time(root, || {
        let mut build = Command::new("docker-compose");
        build.arg("build").current_dir(root);
        build.envs(step.map(|step| ("STEP", step)));
        run(build).map(drop)
    })
}

/// Gets images ready when nobody else does, whatever program that is. What another one has built by then comes from
/// the engine's cache; of two that build side by side, both compile all of it.
///
/// # Errors
///
/// When it fails, or nobody can be kept waiting.
pub fn one_at_a_time<T>(root: &Path, get_ready: impl FnOnce() -> Result<T>) -> Result<T> {
    let folder = root.join("target");
    fs::create_dir_all(&folder)?;
    // The lock goes with the file.
    let file = File::create(folder.join("images.lock"))?;
    file.lock().context("cannot lock target/images.lock")?;
    get_ready()
}

fn pull_or_make(root: &Path, mut say: impl FnMut(&str)) -> Result<()> {
    let images = named(root)?;
    let script = root.join("tools/docker/stand-ins.sh");
    let version = value(&script, &format!("label=\"LABEL {LABEL}="))?;
    let version = version.trim_end_matches('"');
    if let Err(no_registry) = images.iter().try_for_each(|image| pull(image, version)) {
        say(&format!("no registry: {no_registry}"));
        if images
            .iter()
            .any(|image| origin(image, version) == Origin::Nowhere)
        {
            say("making stand-ins with tools/docker/stand-ins.sh: this takes two minutes");
            let mut shell = Command::new("sh");
            shell.arg(&script).args(&images);
            run(shell).context("no base images")?;
        }
    }
    for image in &images {
        match origin(image, version) {
            Origin::Registry => say(&format!("{image}: the real one")),
            _ => say(&format!(
                "{image}: a stand-in, made from the packages of this machine"
            )),
        }
    }
    Ok(())
}

/// Finds out where an image comes from; `version` is that of the script as it is now.
fn origin(image: &str, version: &str) -> Origin {
    let label = format!(r#"{{{{index .Config.Labels "{LABEL}"}}}}"#);
    match inspect(image, &label).as_deref() {
        Ok("") => Origin::Registry,
        Ok(label) if label == version => Origin::StandIn,
        _ => Origin::Nowhere,
    }
}

/// The Rust image that the Dockerfile names, and the Redis and HAProxy images that docker-compose.yml
/// names.
fn named(root: &Path) -> Result<[String; 3]> {
    let compose = root.join("docker-compose.yml");
    let of = |name: &str| {
        let tag = value(&compose, &format!("image: {name}:"))?;
        anyhow::Ok(format!("{name}:{tag}"))
    };
    Ok([
        value(&root.join("Dockerfile"), "ARG RUST_IMAGE=")?,
        of("redis")?,
        of("haproxy")?,
    ])
}

/// What follows `key` in the line of a file that begins with it.
fn value(file: &Path, key: &str) -> Result<String> {
    let text = fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key));
    let value =
        value.with_context(|| format!("{}: no line begins with {key:?}", file.display()))?;
    Ok(value.to_owned())
}

/// Pulls an image that is not here, or that is here only as a stand-in.
fn pull(image: &str, version: &str) -> Result<()> {
    if origin(image, version) == Origin::Registry {
        return Ok(());
    }
    let mut docker = Command::new("docker");
    docker.args(["pull", "--quiet", image]);
    run(docker).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
        time::Duration,
    };

    #[test]
    fn whoever_comes_second_waits_until_the_images_are_there() {
        const BUILDERS: usize = 3;
        let root = tempfile::tempdir().unwrap();
        let (together, busy, done) = (
            Barrier::new(BUILDERS),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        let build = || {
            let others = busy.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(50));
            busy.fetch_sub(1, Ordering::SeqCst);
            done.fetch_add(1, Ordering::SeqCst);
            Ok(others)
        };
        thread::scope(|scope| {
            for _ in 0..BUILDERS {
                scope.spawn(|| {
                    together.wait();
                    assert_eq!(one_at_a_time(root.path(), build).unwrap(), 0);
                });
            }
        });
        assert_eq!(done.into_inner(), BUILDERS);
    }
}
