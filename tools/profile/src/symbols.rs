//! What is at an address of a program: functions and the files of their sources, from the lines that the
//! compiler has left in it.
//!
//! Most of what runs is inlined into something else, where perf sees only the outermost function. addr2line
//! knows all of them. It comes with the linker.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use processes::Folder;

use crate::perf::{Call, Sample};

/// A function in a chain of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its name.
    pub function: String,
    /// Where it comes from.
    pub source: Source,
}

/// Where a function comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The kernel.
    Kernel,
    /// This file of a source.
    File(String),
    /// A library without sources, such as libc.
    Library,
}

/// The functions at the addresses of a program.
pub struct Symbols {
    program: String,
    /// How much further back its code is in memory than in the file.
    shift: u64,
    /// The innermost comes first.
    frames: HashMap<u64, Vec<Frame>>,
}

impl Symbols {
    /// Finds the functions at all addresses of these samples that are in the program.
    ///
    /// # Errors
    ///
    /// When addr2line cannot be run.
    pub fn of(program: &Path, samples: &[Sample]) -> Result<Self> {
        let mut symbols = Self {
            program: program.canonicalize()?.to_string_lossy().into_owned(),
            shift: shift(&run("readelf", &["--segments", "--wide"], program)?)?,
            frames: HashMap::new(),
        };
        let mut addresses = BTreeSet::new();
        for sample in samples {
            addresses.extend(
                (0..)
                    .zip(sample)
                    .filter_map(|(depth, call)| symbols.at(depth, call)),
            );
        }
        let folder = Folder::new("seen-symbols-")?;
        let list = folder.path().join("addresses");
        let text = addresses.iter().fold(String::new(), |mut text, address| {
            let _ = writeln!(text, "{address:#x}");
            text
        });
        fs::write(&list, text).context("cannot write the addresses")?;
        let list = format!("@{}", list.display());
        let arguments = [
            "--addresses",
            "--functions",
            "--inlines",
            "--demangle",
            &list,
            "--exe",
        ];
        symbols.frames = parse(&run("addr2line", &arguments, program)?);
        Ok(symbols)
    }

    /// The functions that a sample was in; the innermost comes first.
    pub fn stack(&self, sample: &Sample) -> Vec<Frame> {
        let frames = (0..).zip(sample).flat_map(|(depth, call)| match call {
            Call::Kernel(function) => vec![Frame {
                function: function.clone(),
                source: Source::Kernel,
            }],
            Call::User { function, .. } => {
                let known = self
                    .at(depth, call)
                    .and_then(|address| self.frames.get(&address));
                known.cloned().unwrap_or_else(|| {
                    vec![Frame {
                        function: function.clone(),
                        source: Source::Library,
                    }]
                })
            }
        });
        frames.collect()
    }

    /// Where in the program's file a call is, if it is in that. Of all but the innermost call the sample has
    /// the address behind it.
    fn at(&self, depth: usize, call: &Call) -> Option<u64> {
        match call {
            Call::User { address, file, .. } if *file == self.program => {
                (address + self.shift).checked_sub(u64::from(depth > 0))
            }
            _ => None,
        }
    }
}

/// What a program of the linker's says of a file.
fn run(name: &str, arguments: &[&str], file: &Path) -> Result<String> {
    let output = Command::new(name).args(arguments).arg(file).output();
    let output = output.with_context(|| {
        format!("profile needs {name}, which comes with the linker; install it with: apt install binutils")
    })?;
    ensure!(
        output.status.success(),
        "{name} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads what readelf says of the segment that holds the code: `LOAD`, the place in the file, and the one in
/// memory.
fn shift(segments: &str) -> Result<u64> {
    let lines = segments.lines().map(str::trim);
    let mut code = lines.filter(|line| line.starts_with("LOAD") && line.contains(" R E "));
    let code = code.next().context("the program has no code")?;
    let mut places = code.split_whitespace().skip(1).filter_map(address);
    let (file, memory) = places
        .next()
        .zip(places.next())
        .context("readelf says no places")?;
    memory
        .checked_sub(file)
        .context("the code is further back in the file than in memory")
}

/// Reads what addr2line prints: the address, then for each function its name and its place, in turn.
fn parse(text: &str) -> HashMap<u64, Vec<Frame>> {
    let mut frames = HashMap::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(address) = address(line) else {
            continue;
        };
        let frames: &mut Vec<Frame> = frames.entry(address).or_default();
        while let Some(function) = lines.next_if(|line| self::address(line).is_none()) {
            let place = lines.next().unwrap_or_default();
            let file = place.split(':').next().unwrap_or_default();
            frames.push(Frame {
                function: function.to_owned(),
                source: match file {
                    "??" | "" => Source::Library,
                    file => Source::File(file.to_owned()),
                },
            });
        }
    }
    frames
}

fn address(line: &str) -> Option<u64> {
    u64::from_str_radix(line.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
pub(crate) fn frame(function: &str, source: Source) -> Frame {
    Frame {
        function: function.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_function_and_those_that_it_is_inlined_into() {
        let text = "0x0000000000000010\ncore::ptr::read\n/rustc/1/library/core/src/ptr/mod.rs:1\n\
                    step::serve\n/w/steps/step-6/src/serve.rs:12 (discriminator 3)\n\
                    0x0000000000000020\n??\n??:0\n";
        let frames = parse(text);
        let file = |file: &str| Source::File(file.to_owned());
        assert_eq!(
            frames[&0x10],
            [
                frame(
                    "core::ptr::read",
                    file("/rustc/1/library/core/src/ptr/mod.rs")
                ),
                frame("step::serve", file("/w/steps/step-6/src/serve.rs")),
            ]
        );
        assert_eq!(frames[&0x20], [frame("??", Source::Library)]);
    }

    #[test]
    fn a_caller_is_looked_up_before_the_address_behind_its_call() {
        let call = |address, file: &str| Call::User {
            address,
            function: "by perf".to_owned(),
            file: file.to_owned(),
        };
        let symbols = Symbols {
            program: "/step".to_owned(),
            shift: 0x1000,
            frames: HashMap::from([
                (0x1010, vec![frame("inner", Source::Library)]),
                (0x101f, vec![frame("outer", Source::Library)]),
            ]),
        };
        let sample = vec![
            call(0x10, "/step"),
            call(0x20, "/step"),
            call(0x20, "/libc"),
        ];
        let stack = symbols.stack(&sample);
        let names: Vec<&str> = stack.iter().map(|frame| frame.function.as_str()).collect();
        assert_eq!(names, ["inner", "outer", "by perf"]);
    }

    #[test]
    fn the_linker_may_put_code_elsewhere_than_in_the_file() {
        let segments = "  LOAD 0x000000 0x0000000000000000 0x0000000000000000 0x0779cc 0x0779cc R   0x1000\n  \
                        LOAD 0x0779d0 0x00000000000789d0 0x00000000000789d0 0x15d8b0 0x15d8b0 R E 0x1000\n";
        assert_eq!(shift(segments).unwrap(), 0x1000);
        assert!(shift("").is_err());
    }
}
