//! `cargo xtask book serve`: the book in a browser, rendered anew and reloaded when a file changes.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, bail};

use crate::{commands::render_checked, include::normal, source::files};

/// How often we look whether a file has changed.
const WATCH_INTERVAL: Duration = Duration::from_millis(300);

/// How long a browser may take to ask, and to read the answer.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// Where a page asks which rendering is the newest one.
const VERSION: &str = "/newest-rendering";

/// Asks, and loads the page again when the answer is another one than the first.
const RELOAD: &str = "<script>(() => { let first; setInterval(async () => { try {
const version = await (await fetch('/newest-rendering')).text();
if (first !== undefined && first !== version) location.reload();
first = version; } catch {} }, 500); })()</script></body>";

/// Serves until Ctrl-C.
///
/// # Errors
///
/// When the book cannot be rendered, or nobody can listen at the port.
pub fn run(root: &Path, port: u16) -> Result<ExitCode> {
    let listener = listen(port)?;
    // It lies in target/, and not in the system's temporary folder: Ctrl-C leaves it behind.
    let out = root.join("target/book-served");
    let mut seen = stamps(root);
    render(root, &out)?;
    anstream::println!(
        "\n  book   http://localhost:{}\n  stop   Ctrl-C\n",
        listener.local_addr()?.port()
    );

    let version = Arc::new(AtomicU64::new(0));
    let (folder, current) = (out.clone(), version.clone());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (folder, current) = (folder.clone(), current.clone());
            // A browser that goes away has nobody to hear of it.
            thread::spawn(move || drop(answer(stream, &folder, current.load(Ordering::Relaxed))));
        }
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
            anstream::eprintln!("error: {error:#}");
        }
        version.fetch_add(1, Ordering::Relaxed);
    }
}

/// Listens on this machine only.
///
/// # Errors
///
/// When somebody else does at that port, in one line.
pub fn listen(port: u16) -> Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!(
                "port {port} is in use; take another one with --port, or any free one with --port 0"
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen at port {port}")),
    }
}

fn render(root: &Path, out: &Path) -> Result<()> {
    let problems = render_checked(root, out)?;
    for problem in &problems {
        anstream::println!("{problem}");
    }
    let count = problems.len();
    anstream::println!(
        "rendered{}",
        if count == 0 {
            String::new()
        } else {
            format!("; {count} problems")
        }
    );
    Ok(())
}

/// When each file that the book is made from was changed.
fn stamps(root: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let folders =
        ["book/src", "book/theme", "steps", "book/measurements/bench"].map(|name| root.join(name));
    let found = folders
        .iter()
        .filter(|folder| folder.is_dir())
        .filter_map(|folder| files(folder).ok())
        .flatten();
    let single = [
        "book/book.toml",
        "README.md",
        "Cargo.lock",
        "Dockerfile",
        "docker-compose.yml",
    ]
    .map(|name| root.join(name));
    let stamp = |file: PathBuf| Some((file.clone(), fs::metadata(&file).ok()?.modified().ok()?));
    found.chain(single).filter_map(stamp).collect()
}

/// Answers one request, and closes the connection.
fn answer(mut stream: TcpStream, folder: &Path, version: u64) -> std::io::Result<()> {
    stream.set_read_timeout(Some(SOCKET_TIMEOUT))?;
    stream.set_write_timeout(Some(SOCKET_TIMEOUT))?;
    let mut reader = BufReader::new(stream.try_clone()?.take(HEAD_BYTES_MAX));
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut line = String::from("-");
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let mut words = request.split_whitespace();
    let is_get = words.next() == Some("GET");
    let (status, kind, body) = response(
        folder,
        words.next().filter(|_| is_get).unwrap_or(""),
        version,
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// Status, type and body for a path.
fn response(folder: &Path, target: &str, version: u64) -> (&'static str, &'static str, Vec<u8>) {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    if path == VERSION {
        return (
            "200 OK",
            "text/plain; charset=utf-8",
            version.to_string().into_bytes(),
        );
    }
    let path = path.trim_start_matches('/');
    let file = normal(&folder.join(if path.is_empty() { "index.html" } else { path }));
    let missing = || {
        (
            "404 Not Found",
            "text/plain; charset=utf-8",
            b"There is no such page.\n".to_vec(),
        )
    };
    if !file.starts_with(folder) {
        return missing();
    }
    let Ok(body) = fs::read(&file) else {
        return missing();
    };
    let ending = file
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let kind = match ending.as_str() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    };
    if ending == "html" {
        let text = String::from_utf8_lossy(&body).replacen("</body>", RELOAD, 1);
        return ("200 OK", kind, text.into_bytes());
    }
    ("200 OK", kind, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_the_folder_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("book");
        fs::create_dir(&inner).unwrap();
        fs::write(folder.path().join("secret"), "s").unwrap();
        fs::write(inner.join("index.html"), "<body>x</body>").unwrap();
        assert!(
            String::from_utf8(response(&inner, "/", 7).2)
                .unwrap()
                .contains("location.reload")
        );
        assert_eq!(response(&inner, VERSION, 7).2, b"7");
        for path in ["/../secret", "/none.html", "//etc/passwd"] {
            assert_eq!(response(&inner, path, 7).0, "404 Not Found", "{path}");
        }
    }

    #[test]
    fn a_port_in_use_is_one_line() {
        let taken = listen(0).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = listen(port).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "port {port} is in use; take another one with --port, or any free one with --port 0"
            )
        );
    }
}
