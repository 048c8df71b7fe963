//! `cargo xtask book serve`: the book in a browser, rendered anew and reloaded when a file changes.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use axum::Router;
use output::terminal;
use steps::files;
use tower_http::services::ServeDir;
use tower_livereload::LiveReloadLayer;

use crate::commands::render_checked;

/// How often we look whether a file has changed.
const WATCH_INTERVAL: Duration = Duration::from_millis(300);

/// Serves until Ctrl-C.
///
/// # Errors
///
/// When the book cannot be rendered, or the port cannot be listened on.
pub fn serve(root: &Path, port: u16) -> Result<()> {
    let listener = listen(port)?;
    let port = listener.local_addr()?.port();
    // It lies in target/, and not in the system's temporary folder: Ctrl-C leaves it behind.
    let out = root.join("target/book-served");
    let mut seen = stamps(root);
    render(root, &out)?;
    anstream::println!("\n  book   http://localhost:{port}\n  stop   Ctrl-C\n");

    let reload = LiveReloadLayer::new();
    let reloader = reload.reloader();
    let pages = Router::new().fallback_service(ServeDir::new(&out));
    let pages = pages.layer(reload);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the server")?;
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, pages).await
    });
    loop {
        thread::sleep(WATCH_INTERVAL);
        let now = stamps(root);
        if now == seen {
            continue;
        }
        seen = now;
        // A page in the middle of being written must not end the work on it.
        if let Err(error) = render(root, &out) {
            terminal::error(&terminal::one_line(&error));
        }
        reloader.reload();
    }
}

/// Listens on this machine only.
fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = listener.with_context(|| {
        format!("cannot listen on port {port}; take another one with --port, or any free one with --port 0")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn render(root: &Path, out: &Path) -> Result<()> {
    let problems = render_checked(root, out)?;
    for problem in &problems {
        anstream::println!("{problem}");
    }
    anstream::println!("rendered; problems: {}", problems.len());
    Ok(())
}

/// When each file that the book is made from was changed.
fn stamps(root: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let folders = ["book/src", "book/theme", "book/measurements", "steps"];
    let found = folders.iter().flat_map(|name| files(&root.join(name)));
    let single = [
        "book/book.toml",
        "Cargo.lock",
        "Dockerfile",
        "docker-compose.yml",
    ];
    let single = single.map(|name| root.join(name));
    let stamp = |file: PathBuf| Some((file.clone(), file.metadata().ok()?.modified().ok()?));
    found.flatten().chain(single).filter_map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_one_line() {
        let taken = listen(0).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = terminal::one_line(&listen(port).unwrap_err());
        let what =
            "take another one with --port, or any free one with --port 0: Address already in use";
        let expected = format!("cannot listen on port {port}; {what}");
        assert!(error.starts_with(&expected), "{error}");
    }
}
