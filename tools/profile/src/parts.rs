//! Whose code runs.

use std::collections::BTreeMap;

use bench::profile::Part;

use crate::symbols::{Frame, Source};

/// How often each part is found at the end of these stacks.
pub fn count(stacks: &[Vec<Frame>]) -> BTreeMap<Part, u64> {
    let mut parts = BTreeMap::new();
    for stack in stacks {
        *parts.entry(part_of(stack)).or_default() += 1;
    }
    parts
}

/// Whose code a stack ends in. The standard library, and whatever else is nobody's in particular, works for
/// who has called it; but what the C library and the allocator do is theirs.
fn part_of(stack: &[Frame]) -> Part {
    for frame in stack {
        match &frame.source {
            Source::Kernel => return Part::Kernel,
            Source::Library => return Part::Rest,
            Source::File(file) => {
                if let Some(part) = part_of_file(file) {
                    return part;
                }
            }
        }
    }
    Part::Rest
}

/// Whose file that is, if it is anybody's.
fn part_of_file(file: &str) -> Option<Part> {
    if file.contains("steps/step-") {
        return Some(Part::Own);
    }
    Some(match package(file)? {
        "tokio" | "tokio-util" | "mio" => Part::Tokio,
        "hyper" | "hyper-util" | "http" | "http-body" | "http-body-util" | "httparse"
        | "httpdate" => Part::Hyper,
        "redis" | "deadpool" | "deadpool-redis" | "deadpool-runtime" | "combine" => {
            Part::RedisClient
        }
        "libmimalloc-sys" | "mimalloc" => Part::Rest,
        name if name.starts_with("axum") || name.starts_with("tower") => Part::Framework,
        name if name.starts_with("rocket") || name == "matchit" => Part::Framework,
        _ => return None,
    })
}

/// The package that a file is of: `tokio` of `…/registry/src/INDEX/tokio-1.54.1/src/lib.rs`, `core` of
/// `/rustc/HASH/library/core/src/mem.rs`, or a step.
pub fn package(file: &str) -> Option<&str> {
    if let Some((_, rest)) = file.split_once("/registry/src/") {
        let folder = rest.split('/').nth(1)?;
        let is_version =
            |(at, _): &(usize, &str)| folder[at + 1..].starts_with(|c: char| c.is_ascii_digit());
        let (end, _) = folder.match_indices('-').find(is_version)?;
        return Some(&folder[..end]);
    }
    let (_, rest) = file
        .split_once("/library/")
        .or_else(|| file.split_once("steps/"))?;
    rest.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STD: &str = "/rustc/abc/library/core/src/mem.rs";
    const HYPER: &str = "/cargo/registry/src/index.crates.io-1949cf8c/hyper-1.12.0/src/lib.rs";

    fn stack(files: &[&str]) -> Vec<Frame> {
        let frames = files.iter().map(|file| Frame {
            function: String::new(),
            source: match *file {
                "kernel" => Source::Kernel,
                "libc" => Source::Library,
                file => Source::File(file.to_owned()),
            },
        });
        frames.collect()
    }

    #[test]
    fn std_works_for_its_caller() {
        assert_eq!(
            part_of(&stack(&[STD, HYPER, "/w/steps/step-6/src/lib.rs"])),
            Part::Hyper
        );
        assert_eq!(
            part_of(&stack(&[STD, "/w/steps/step-6/src/lib.rs", HYPER])),
            Part::Own
        );
        assert_eq!(part_of(&stack(&["kernel", "libc", HYPER])), Part::Kernel);
        assert_eq!(part_of(&stack(&["libc", HYPER])), Part::Rest);
        assert_eq!(part_of(&stack(&[STD])), Part::Rest);
    }

    #[test]
    fn a_package_is_told_from_its_version() {
        let file = |folder: &str| format!("/c/registry/src/index-1/{folder}/src/a-1.rs");
        for (folder, name) in [
            ("tokio-1.54.1", "tokio"),
            ("hyper-util-0.1.21", "hyper-util"),
            ("rocket_http-0.5.2", "rocket_http"),
            ("redis-2.0.0-rc.1", "redis"),
        ] {
            assert_eq!(package(&file(folder)), Some(name));
        }
        assert_eq!(package(STD), Some("core"));
        assert_eq!(
            package("/w/steps/step-1-memory/src/lib.rs"),
            Some("step-1-memory")
        );
        assert_eq!(package("./elf/dl-init.c"), None);
    }
}
