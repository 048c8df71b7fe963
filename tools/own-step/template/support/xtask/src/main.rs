//! `cargo xtask …` in this folder: asks the checkout of Seen N Times that the folder was made from.

use std::{
    env, fs,
    path::Path,
    process::{Command, exit},
};

fn main() {
    let me = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let folder = Path::new(&me).ancestors().nth(2).unwrap_or(Path::new("."));
    let checkout = fs::read_to_string(folder.join(".checkout")).unwrap_or_default();
    let manifest = Path::new(checkout.trim()).join("Cargo.toml");
    if checkout.is_empty() || !manifest.is_file() {
        eprintln!(
            "error: the checkout of Seen N Times that this folder asks is not there ({:?}); in one that is, run once: cargo xtask check --dir {}",
            checkout.trim(),
            folder.display()
        );
        exit(2);
    }
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--manifest-path"]).arg(manifest);
    command.args(["--package", "xtask", "--"]).args(env::args_os().skip(1));
    match command.status() {
        Ok(status) => exit(status.code().unwrap_or(2)),
        Err(error) => {
            eprintln!("error: cannot start cargo: {error}");
            exit(2);
        }
    }
}
