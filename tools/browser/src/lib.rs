//! A headless Chromium for tests, told what to do over its DevTools protocol.
//!
//! A test that cannot go on panics, so these methods do, too.

use std::{
    env, fs,
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use processes::{Folder, Output, Process, programs::Tool};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// How long anything may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A browser with one page.
pub struct Browser {
    socket: WebSocket<TcpStream>,
    session: String,
    next_id: u64,
    events: Vec<Value>,
    /// Where the page may ask for something, apart from the disk.
    home: Option<String>,
    // Ended before the folder is removed: fields are dropped in their order.
    _process: Process,
    _profile: Folder,
}

impl Browser {
    /// Starts one; `None` where there is none. A test then says `skipped: ` and why; with `SEEN_STRICT` in
    /// the environment it fails instead.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start() -> Option<Self> {
        let Some(program) = Tool::CHROMIUM.path() else {
            println!(
                "skipped: chromium is missing, so the pages are not looked at; cargo xtask doctor"
            );
            assert!(
                env::var_os("SEEN_STRICT").is_none(),
                "--strict allows nothing to be skipped"
            );
            return None;
        };
        let profile = Folder::new("seen-browser-").expect("a folder can be made");
        let mut command = Command::new(program);
        // Without the sandbox it also runs where we are the administrator of a container.
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]);
        command.args([
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-port=0",
        ]);
        command
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank");
        let process = Process::spawn("chromium", command, Output::Capture);
        let process = process.expect("chromium can be started");

        let file = profile.path().join("DevToolsActivePort");
        let deadline = Instant::now() + TIMEOUT;
        let (port, path) = loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Some((port, path)) = text.trim().split_once('\n') {
                break (port.parse::<u16>().expect("a port"), path.to_owned());
            }
            assert!(
                Instant::now() < deadline,
                "chromium does not start:\n{}",
                process.output_tail(20)
            );
            thread::sleep(Duration::from_millis(50));
        };
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("chromium listens");
        let limited = stream.set_read_timeout(Some(TIMEOUT));
        limited.expect("a time-out can be set");
        let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream)
            .expect("chromium speaks its protocol");
        let mut browser = Self {
            socket,
            session: String::new(),
            next_id: 0,
            events: Vec::new(),
            home: None,
            _process: process,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &target);
        browser.session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        Some(browser)
    }

    /// Asks to be told of everything.
    pub fn enable(&mut self) {
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Makes the window so many pixels wide.
    pub fn resize(&mut self, width: u32) {
        let size =
            json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Opens a page and waits until it is there.
    ///
    /// # Panics
    ///
    /// When it cannot be opened.
    pub fn go(&mut self, url: &str) {
        let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        self.events.retain(|event| !is_loaded(event));
        let result = self.call("Page.navigate", &json!({"url": url}));
        assert!(result["errorText"].is_null(), "{url}: {result}");
        while !self.events.iter().any(is_loaded) {
            self.receive();
        }
    }

    /// The value of a JavaScript expression; null while one page gives way to the next.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true});
        let mut answer = self.ask("Runtime.evaluate", &parameters);
        answer["result"]["result"]["value"].take()
    }

    /// Waits until a JavaScript expression is true.
    ///
    /// # Panics
    ///
    /// When it does not get true for two minutes.
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + TIMEOUT;
        while self.evaluate(expression) != json!(true) {
            let place = self.evaluate("location.href");
            assert!(
                Instant::now() < deadline,
                "never true at {place}: {expression}"
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Lets the page see another medium, such as `print`, and perhaps a wish of its reader's for less motion.
    pub fn show_as(&mut self, medium: &str, wants_less_motion: bool) {
        let motion = if wants_less_motion { "reduce" } else { "" };
        let motion = json!({"name": "prefers-reduced-motion", "value": motion});
        let media = json!({"media": medium, "features": [motion]});
        self.call("Emulation.setEmulatedMedia", &media);
    }

    /// Lets the scripts of pages run or not, from the next page on.
    pub fn allow_scripts(&mut self, are_allowed: bool) {
        let disabled = json!({"value": !are_allowed});
        self.call("Emulation.setScriptExecutionDisabled", &disabled);
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key: &str) {
        let number = match key {
            "Tab" => 9,
            "Enter" => 13,
            " " => 32,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            _ => 0,
        };
        let mut event = json!({"key": key, "code": key, "windowsVirtualKeyCode": number});
        for kind in ["keyDown", "keyUp"] {
            event["type"] = json!(kind);
            // What a button listens to is the letter that a key writes.
            event["text"] = json!(match (kind, key) {
                ("keyDown", "Enter") => "\r",
                ("keyDown", " ") => " ",
                _ => "",
            });
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Types a text into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            let letter = letter.to_string();
            self.call(
                "Input.dispatchKeyEvent",
                &json!({"type": "keyDown", "key": letter, "text": letter}),
            );
            self.call(
                "Input.dispatchKeyEvent",
                &json!({"type": "keyUp", "key": letter}),
            );
        }
    }

    /// From now on the page may ask this server, such as `http://localhost:9000/`.
    pub fn set_home(&mut self, home: &str) {
        self.home = Some(home.to_owned());
    }

    /// Errors on the console and requests to other hosts since the last time.
    pub fn complaints(&mut self) -> Vec<String> {
        let events = std::mem::take(&mut self.events);
        let home = self.home.as_deref();
        let complaint = |event: &Value| {
            let parameters = &event["params"];
            match event["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" if parameters["type"] == "error" => {
                    Some(parameters["args"].to_string())
                }
                "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
                    Some(parameters["entry"].to_string())
                }
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str()?;
                    let is_local = ["file:", "data:", "about:", "blob:"]
                        .into_iter()
                        .chain(home)
                        .any(|start| url.starts_with(start));
                    (!is_local).then(|| format!("it asks for {url}"))
                }
                _ => None,
            }
        };
        events.iter().filter_map(complaint).collect()
    }

    /// Asks for something that cannot fail.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        let mut answer = self.ask(method, parameters);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].take()
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let sent = self.socket.send(Message::text(message.to_string()));
        sent.expect("chromium listens");
        loop {
            if let Some(answer) = self.receive().filter(|answer| answer["id"] == id) {
                return answer;
            }
        }
    }

    /// Takes the next message. Events are kept; answers are returned.
    fn receive(&mut self) -> Option<Value> {
        let message = self
            .socket
            .read()
            .expect("chromium has something to say in time");
        let message: Value = serde_json::from_str(message.to_text().ok()?).ok()?;
        if message["id"].is_null() {
            self.events.push(message);
            return None;
        }
        Some(message)
    }
}
