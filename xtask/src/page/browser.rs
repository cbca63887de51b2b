//! Headless Chromium, driven over the pipe of its DevTools protocol: commands are JSON, each ended by a zero byte.
//!
//! Everything that a page, its workers and its frames write to the console or ask of a network is kept. What is *not* here:
//! what is done with the page.

use super::cannot;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long an answer may take. The longest question explains a million segments.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser, if one is installed.
pub(super) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// A browser with one page. It ends when it is dropped, and its profile goes.
pub(super) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    profile: PathBuf,
    session: String,
    number: u64,
    /// What was written to a console as a warning or an error, and exceptions that nobody caught.
    pub(super) complaints: Vec<String>,
    /// The addresses that were asked for.
    pub(super) requests: Vec<String>,
}

impl Browser {
    /// Starts it and opens this address.
    pub(super) fn open(program: &Path, address: &str, size: (u32, u32)) -> Result<Browser, String> {
        let profile = std::env::temp_dir().join(format!("synfin-page-check-{}", std::process::id()));
        let (child, commands, messages) = start(program, &profile, size)?;
        let (session, complaints, requests) = Default::default();
        let mut browser =
            Browser { child, commands, messages, profile, session, number: 0, complaints, requests };
        let made = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attached = browser
            .ask("Target.attachToTarget", &json!({ "targetId": made["targetId"], "flatten": true }))?;
        browser.session = attached["sessionId"].as_str().unwrap_or_default().to_owned();
        browser.listen(None)?;
        for part in ["Page", "DOM"] {
            browser.ask(&format!("{part}.enable"), &json!({}))?;
        }
        browser.ask("Page.navigate", &json!({ "url": address }))?;
        Ok(browser)
    }

    /// Keeps what this session, ours if none is named, says of consoles and networks, and what its children say.
    fn listen(&mut self, session: Option<&str>) -> Result<(), String> {
        let children = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true });
        for (command, of) in [
            ("Runtime.enable", json!({})),
            ("Log.enable", json!({})),
            ("Network.enable", json!({})),
            ("Target.setAutoAttach", children),
            ("Runtime.runIfWaitingForDebugger", json!({})),
        ] {
            match session {
                // Frames and workers do not know all of these, and may have gone.
                Some(session) => _ = self.send(command, &of, session)?,
                None => _ = self.ask(command, &of)?,
            }
        }
        Ok(())
    }

    /// The value of an expression in the page; of a promise, what it comes to.
    pub(super) fn value(&mut self, expression: &str) -> Result<Value, String> {
        let arguments = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.ask("Runtime.evaluate", &arguments)?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(format!("{expression}: {thrown}")),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Chooses a file in a field, as a person does in the window for that.
    pub(super) fn choose(&mut self, field: &str, file: &Path) -> Result<(), String> {
        let document = self.ask("DOM.getDocument", &json!({}))?;
        let arguments = json!({ "nodeId": document["root"]["nodeId"], "selector": field });
        let node = self.ask("DOM.querySelector", &arguments)?;
        let files = json!({ "files": [file], "nodeId": node["nodeId"] });
        self.ask("DOM.setFileInputFiles", &files).map(drop)
    }

    /// Drops a file on the window, at this place.
    pub(super) fn drop_file(&mut self, [x, y]: [u32; 2], file: &Path) -> Result<(), String> {
        let data = json!({ "items": [], "files": [file], "dragOperationsMask": 1 });
        ["dragEnter", "dragOver", "drop"].into_iter().try_for_each(|kind| {
            self.ask("Input.dispatchDragEvent", &json!({ "type": kind, "x": x, "y": y, "data": data }))
                .map(drop)
        })
    }

    /// A picture of the window, as PNG in base64.
    pub(super) fn picture(&mut self) -> Result<String, String> {
        let mut picture = self.ask("Page.captureScreenshot", &json!({ "format": "png" }))?;
        match picture["data"].take() {
            Value::String(data) => Ok(data),
            other => Err(format!("the browser made no picture: {other}")),
        }
    }

    fn send(&mut self, method: &str, params: &Value, session: &str) -> Result<u64, String> {
        self.number += 1;
        let mut command = json!({ "id": self.number, "method": method, "params": params });
        if !session.is_empty() {
            command["sessionId"] = session.into();
        }
        let mut command = command.to_string().into_bytes();
        command.push(0);
        self.commands.write_all(&command).map_err(|error| format!("the browser has gone: {error}"))?;
        Ok(self.number)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let session = self.session.clone();
        let number = self.send(method, params, &session)?;
        loop {
            let mut message =
                self.messages.recv_timeout(PATIENCE).map_err(|_| format!("{method}: no answer"))?;
            if message["id"] == number {
                return match message.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(message["result"].take()),
                };
            }
            self.note(&message)?;
        }
    }

    fn note(&mut self, message: &Value) -> Result<(), String> {
        let of = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Target.attachedToTarget" => self.listen(of["sessionId"].as_str())?,
            "Runtime.exceptionThrown" => self.complaints.push(of["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled"
                if ["error", "warning", "assert"].iter().any(|kind| of["type"] == *kind) =>
            {
                self.complaints.push(of["args"].to_string());
            }
            "Log.entryAdded" if of["entry"]["level"] == "error" || of["entry"]["level"] == "warning" => {
                self.complaints.push(of["entry"].to_string());
            }
            "Network.requestWillBeSent" => {
                self.requests.push(of["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.send("Browser.close", &json!({}), "");
        let patient = std::time::Instant::now();
        while patient.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The process, its commands, and its messages, which a thread reads.
fn start(
    program: &Path,
    profile: &Path,
    (width, height): (u32, u32),
) -> Result<(Child, ChildStdin, Receiver<Value>), String> {
    std::fs::create_dir_all(profile).map_err(|error| cannot("make", profile, &error))?;
    // The protocol is spoken on the descriptors 3 and 4.
    let mut child = Command::new("sh")
        .args(["-c", "exec \"$@\" 3<&0 4>&1 1>&2 0</dev/null", "sh"])
        .arg(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--remote-debugging-pipe")
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--user-data-dir={}", profile.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| cannot("start", program, &error))?;
    let commands = child.stdin.take().expect("it is piped");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let (tell, messages) = mpsc::channel();
    std::thread::spawn(move || {
        let mut message = Vec::new();
        while lines.read_until(0, &mut message).is_ok_and(|count| count > 0) {
            message.pop();
            let read = serde_json::from_slice(&message);
            if read.is_ok_and(|value: Value| tell.send(value).is_err()) {
                return;
            }
            message.clear();
        }
    });
    Ok((child, commands, messages))
}
