//! The lab as somebody has it who starts it: the page in a browser, and the server for whoever else asks.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    slice,
    time::{Duration, Instant},
};

use browser::Browser;
use private_redis::RedisProgram;
use processes::{Folder, Output, Process, Signal};
use steps::Profile;

/// How long anything may take, and the start, which may have to compile the steps.
const TIMEOUT: Duration = Duration::from_secs(300);
const START_TIMEOUT: Duration = Duration::from_secs(300);

/// A lab that runs, on a free port.
struct Running {
    process: Process,
    port: u16,
    /// Where everything is, such as `/3f…/`.
    path: String,
    /// Where its servers keep their files.
    folder: Folder,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::start_on(0, arguments, &env::var_os("PATH").unwrap())
    }

    /// The same on this port and with the programs in these folders.
    fn start_on(port: u16, arguments: &[&str], path: &OsStr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args(["--port", &port.to_string()]).args(arguments);
        command.env("PATH", path);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let folder = Folder::new("seen-lab-").unwrap();
        command.env("TMPDIR", folder.path());
        let mut process = Process::spawn("lab", command, Output::Capture).unwrap();
        let line = process.wait_for_line(START_TIMEOUT, |line| line.contains("http://localhost:"));
        let line = line.unwrap();
        let (_, url) = line.split_once("http://localhost:").unwrap();
        let (port, path) = url.trim().split_once('/').unwrap();
        Self {
            process,
            port: port.parse().unwrap(),
            path: format!("/{path}"),
            folder,
        }
    }

    fn url(&self) -> String {
        format!("http://localhost:{}{}", self.port, self.path)
    }

    /// The status that a request is answered with, and the answer.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }
}

impl Drop for Running {
    /// In good order: whoever is killed in the instant in which it starts something may leave that behind.
    fn drop(&mut self) {
        let _ = self.process.stop(TIMEOUT);
    }
}

#[test]
fn steps_that_were_built_along_are_not_built_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let step = steps::one(root.unwrap(), Some("2")).unwrap();
    let built = steps::programs(root.unwrap(), slice::from_ref(&step), Profile::Debug);
    built.unwrap().expect("cargo has said why");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(["2", "--embedded", "--port", "0"]);
    command.env(steps::ALONG, format!("{} embedded-redis", step.name));
    command
        .env_remove(steps::COMPILED)
        .env("CARGO", "/nowhere/cargo");
    let lab = Running::of(command);
    let host = format!("localhost:{}", lab.port);
    let (status, _) = lab.ask("GET", &lab.path, &[("host", &host)], "");
    assert_eq!(status, 200);
}

fn has_redis() -> bool {
    let has_redis = RedisProgram::find().is_some();
    if !has_redis {
        assert!(env::var_os("SEEN_STRICT").is_none(), "install Redis");
        println!("skipped: redis-server is not on PATH, so nothing is killed on the page");
    }
    has_redis
}

/// An element, for whoever looks at the page from outside.
fn button(what: &str) -> String {
    format!("document.querySelector('[data-act=\"{what}\"]')")
}

/// Whether a column of the page looks like that.
fn column(number: usize, health: &str) -> String {
    format!("document.querySelectorAll('lab-column')[{number}]?.dataset.health === '{health}'")
}

/// Goes on from element to element until that one has the focus, as somebody without a mouse does.
fn tab_to(browser: &mut Browser, element: &str) {
    for _ in 0..100 {
        if browser.evaluate(&format!("document.activeElement === {element}")) == true {
            return;
        }
        browser.press("Tab");
    }
    panic!("the keyboard does not lead to {element}");
}

fn press(browser: &mut Browser, what: &str) {
    let button = button(what);
    browser.wait_for(&format!(
        "{button}.getAttribute('aria-disabled') === 'false'"
    ));
    tab_to(browser, &button);
    browser.press("Enter");
    browser.wait_for(&format!(
        "{button}.getAttribute('aria-disabled') === 'true'"
    ));
}

#[test]
fn with_the_keyboard_alone_step_2_breaks_for_good_and_step_4_comes_back() {
    if !has_redis() {
        return;
    }
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let lab = Running::start(&["2", "4"]);
    browser.set_home(&format!("http://localhost:{}/", lab.port));
    browser.enable();
    browser.resize(390);
    browser.go(&lab.url());
    browser.wait_for(&format!(
        "{} && {}",
        column(0, "answers"),
        column(1, "answers")
    ));

    press(&mut browser, "kill-redis");
    browser.wait_for(&format!(
        "{} && {}",
        column(0, "fails"),
        column(1, "refuses")
    ));
    press(&mut browser, "start-redis");
    browser.wait_for(&column(1, "answers"));
    assert_eq!(browser.evaluate(&column(0, "fails")), true, "for good");
    assert_eq!(
        browser.evaluate("document.documentElement.scrollWidth <= innerWidth"),
        true,
        "the page is wider than a phone"
    );
    // A chart says in words what it shows.
    browser.wait_for(
        "document.querySelector('lab-chart svg').getAttribute('aria-label').includes('failed')",
    );

    // Another browser sees the same.
    browser.go("about:blank");
    browser.resize(1280);
    browser.go(&lab.url());
    browser.wait_for(&format!(
        "{} && {}",
        column(0, "fails"),
        column(1, "answers")
    ));
    // What a restart mends.
    press(&mut browser, "kill-service");
    press(&mut browser, "start-service");
    browser.wait_for(&format!(
        "{} && {}",
        column(0, "answers"),
        column(1, "answers")
    ));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn an_experiment_keeps_the_guess_and_ends_with_a_verdict() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    // The embedded Redis serves this one, so it runs on every machine.
    let lab = Running::start(&["4", "--embedded", "--experiment", "garble"]);
    browser.set_home(&format!("http://localhost:{}/", lab.port));
    browser.enable();
    browser.resize(1280);
    let opened = lab.url();
    browser.go(&opened);
    // The question that the terminal named is in sight, and the guess to it can be typed.
    let select = "document.querySelector('#experiment select')";
    let guess = "document.querySelector('#experiment textarea')";
    browser.wait_for(&format!(
        "{select}?.value === 'garble' && document.activeElement === {guess}"
    ));
    browser.wait_for(
        "(({top}) => top >= 0 && top < innerHeight)(document.querySelector('#question').getBoundingClientRect())",
    );
    let address = opened.split('?').next().unwrap();
    browser.go(address);
    browser.wait_for(&column(0, "answers"));
    browser
        .wait_for("document.querySelector('#notes').textContent.includes('leave out --embedded')");
    let is_there = "document.querySelector('[data-act=\"read-only-redis\"]') !== null";
    assert_eq!(browser.evaluate(is_there), false, "a dead button");

    tab_to(&mut browser, select);
    browser.type_text("lose-com");
    browser.wait_for(&format!("{select}.value === 'lose-command'"));
    browser.wait_for("document.querySelector('#question').textContent.includes('command is lost')");
    tab_to(&mut browser, guess);
    browser.type_text("it cannot tell");
    browser.press("Tab");
    browser.press("Enter");
    let played = "document.querySelector('#played')";
    browser.wait_for(&format!(
        "{played}.textContent.includes('You guessed: it cannot tell')"
    ));
    browser.go("about:blank");
    browser.go(address);
    // It is played on the step that was named.
    let end = format!("{played}.querySelectorAll('.words').length === 1");
    wait_until("a verdict", START_TIMEOUT, || {
        browser.evaluate(&end) == true
    });
    let guessed = format!("{played}.textContent.includes('You guessed: it cannot tell')");
    assert_eq!(browser.evaluate(&guessed), true, "the guess is lost");
    browser.wait_for(&column(0, "answers"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// What the page says of its connection to the lab.
fn connection_says(words: &str) -> String {
    format!("document.querySelector('#connection').textContent.includes('{words}')")
}

#[test]
fn a_closed_lid_and_a_lab_that_ends_are_said_and_it_goes_on() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let lab = Running::start(&["4", "--embedded"]);
    browser.set_home(&format!("http://localhost:{}/", lab.port));
    browser.enable();
    browser.go(&lab.url());
    browser.wait_for(&column(0, "answers"));

    // What the page sees of a laptop that sleeps: the lab stands still, and its connection stays.
    lab.process.signal(Signal::Stop).unwrap();
    browser.wait_for(&connection_says("is silent; what you see is old"));
    lab.process.signal(Signal::Continue).unwrap();
    browser.wait_for(&connection_says("Each step counts in"));
    // Nobody was swallowed meanwhile, and visits are answered.
    let answered = "Number(document.querySelector('dd.total').textContent)";
    let before = browser.evaluate(answered).as_u64().unwrap();
    browser.wait_for(&format!(
        "{answered} > {before} && {}",
        column(0, "answers")
    ));
    let wrong = "document.querySelectorAll('dd.duplicates.wrong, dd.count.wrong').length";
    assert_eq!(browser.evaluate(wrong), 0);
    assert_eq!(browser.complaints(), Vec::<String>::new());

    drop(lab);
    browser.wait_for(&connection_says("If it has ended: cargo xtask lab"));
}

#[test]
fn a_redis_that_does_not_start_is_said_and_it_goes_on() {
    let Some(redis) = RedisProgram::find().filter(|_| has_redis()) else {
        return;
    };
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let RedisProgram::Server(program) = redis else {
        panic!("the real one is looked for first");
    };
    // A Redis that serves only for as long as there is this file.
    let folder = Folder::new("seen-lab-redis-").unwrap();
    let works = folder.path().join("works");
    let script = format!(
        "#!/bin/sh\ncase $1 in --version) ;; *) [ -e {} ] || {{ echo it is out of order; exit 1; }} ;; esac\nexec {} \"$@\"\n",
        works.display(),
        program.display()
    );
    let file = folder.path().join("redis-server");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let path = env::var_os("PATH").unwrap();
    let folders = [folder.path().to_owned()].into_iter();
    let path = env::join_paths(folders.chain(env::split_paths(&path))).unwrap();
    let lab = Running::start_on(0, &["4"], &path);
    browser.set_home(&format!("http://localhost:{}/", lab.port));
    browser.enable();
    browser.go(&lab.url());
    let said = |words: &str| {
        format!("document.querySelector('lab-column .events')?.textContent.includes('{words}')")
    };

    browser.wait_for(&said("it cannot be set up: "));
    browser.wait_for(&said("it is out of order"));
    fs::write(&works, "").unwrap();
    browser.wait_for(&column(0, "answers"));

    // And one that starts no more once it was killed.
    press(&mut browser, "kill-redis");
    browser.wait_for(&column(0, "refuses"));
    fs::remove_file(&works).unwrap();
    browser.evaluate(&format!("{}.click()", button("start-redis")));
    browser.wait_for(&said("start Redis fails: "));
    fs::write(&works, "").unwrap();
    press(&mut browser, "start-redis");
    browser.wait_for(&column(0, "answers"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn nobody_but_the_page_may_ask() {
    let lab = Running::start(&["1", "--embedded"]);
    let host = format!("localhost:{}", lab.port);
    let own = format!("http://{host}");
    let kind = ("content-type", "application/json");
    let act = r#"{"do":"act","what":"kill-service"}"#;
    let to = format!("{}do", lab.path);

    let (status, page) = lab.ask("GET", &lab.path, &[("host", &host)], "");
    assert_eq!(status, 200);
    for header in [
        "content-security-policy: default-src 'none'",
        "referrer-policy: same-origin",
    ] {
        assert!(page.contains(header), "{page}");
    }
    assert!(!page.contains("access-control"), "{page}");
    for path in ["/", "/do", "/0123456789abcdef0123456789abcdef/"] {
        assert_eq!(
            lab.ask("GET", path, &[("host", &host)], "").0,
            403,
            "{path}"
        );
    }
    let elsewhere = "http://evil.example";
    for headers in [
        &[("host", "evil.example"), ("origin", own.as_str()), kind][..],
        &[("host", host.as_str()), ("origin", elsewhere), kind],
        &[("host", host.as_str()), ("origin", "null"), kind],
        &[("host", host.as_str()), kind],
    ] {
        assert_eq!(lab.ask("POST", &to, headers, act).0, 403, "{headers:?}");
        assert_eq!(
            lab.ask("OPTIONS", &to, headers, "").0 / 100,
            4,
            "{headers:?}"
        );
    }
    let in_order = [("host", host.as_str()), ("origin", own.as_str()), kind];
    let plain = [in_order[0], in_order[1], ("content-type", "text/plain")];
    assert_eq!(lab.ask("POST", &to, &plain, act).0, 415);
    assert_eq!(
        lab.ask("POST", &to, &in_order, r#"{"do":"act","what":"x"}"#)
            .0,
        400
    );
    assert_eq!(lab.ask("POST", &to, &in_order, &" ".repeat(5000)).0, 413);
    // And the same is done for who may ask, once the step is there.
    wait_until("it is done", TIMEOUT, || {
        lab.ask("POST", &to, &in_order, act).0 == 204
    });
}

#[cfg(target_os = "linux")]
#[test]
fn neither_ctrl_c_nor_kill_9_leaves_anything() {
    for (signal, code) in [(Signal::Interrupt, Some(0)), (Signal::Kill, None)] {
        let mut lab = Running::start(&["4"]);
        // The lab, its janitor, a Redis and a step.
        let is_up = || running_with(lab.folder.path()) >= 4;
        wait_until("its servers run", TIMEOUT, is_up);
        // Only the process itself, as Ctrl-C and kill do: what it has started has groups of its own.
        lab.process.signal(signal).unwrap();
        let status = lab.process.wait_timeout(TIMEOUT).unwrap().expect("it ends");
        assert_eq!(status.code(), code, "{}", lab.process.output_tail(20));
        wait_until("nothing runs", TIMEOUT, || {
            running_with(lab.folder.path()) == 0
        });
        wait_until("nothing is left", TIMEOUT, || {
            fs::read_dir(lab.folder.path()).unwrap().count() == 0
        });
    }
}

/// How many processes have this folder as their `TMPDIR`: all that the lab has started inherit it.
fn running_with(folder: &Path) -> usize {
    let wanted = format!("TMPDIR={}", folder.display()).into_bytes();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let environments = processes.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    environments
        .filter(|all| all.split(|byte| *byte == 0).any(|one| one == wanted))
        .count()
}

fn wait_until(what: &str, timeout: Duration, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    while !is_so() {
        assert!(
            Instant::now() < deadline,
            "not so after {timeout:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
