//! A browser without a screen, driven as its own developer tools drive it: JSON on a pipe, each message ended by NUL.
//! Source: the Chrome DevTools Protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::programs::installed;

/// No answer of a browser takes longer, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A page in a browser of its own.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: Receiver<Value>,
    session: Option<String>,
    number: u64,
    /// What went wrong in the page, and what it asked for.
    pub heard: Vec<String>,
    _home: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Opens an address.
    pub fn open(address: &str) -> Result<Self> {
        installed("chromium", "chromium")?;
        let home = tempfile::tempdir()?;
        // The pipe of the tools is on two numbers of its own.
        let mut command = installed("sh", "dash")?;
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null", "chromium"]);
        command.args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic"]);
        command.args(["--no-first-run", "--disable-background-networking", "--disable-component-update"]);
        command.args(["--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", home.path().display()));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("no pipe")?;
        let reader = BufReader::new(child.stdout.take().context("no pipe")?);
        let (send, output) = channel();
        thread::spawn(move || {
            for message in reader.split(0) {
                let value = message.ok().and_then(|message| serde_json::from_slice(&message).ok());
                if value.is_none_or(|value| send.send(value).is_err()) {
                    break;
                }
            }
        });
        let mut browser = Self { child, input, output, session: None, number: 0, heard: Vec::new(), _home: home };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}))?;
        let wanted = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &wanted)?;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}))?;
        }
        browser.call("Page.navigate", &json!({"url": address}))?;
        Ok(browser)
    }

    /// Asks and waits for the answer. What comes meanwhile is noted.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.input.write_all(format!("{message}\0").as_bytes())?;
        loop {
            let answer = self.output.recv_timeout(PATIENCE).with_context(|| format!("no answer to {method}"))?;
            if answer["id"] == self.number {
                ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return Ok(answer["result"].clone());
            }
            match answer["method"].as_str() {
                Some("Runtime.exceptionThrown" | "Log.entryAdded") => self.heard.push(answer["params"].to_string()),
                Some("Network.requestWillBeSent") => {
                    self.heard.push(format!("request {}", answer["params"]["request"]["url"]));
                }
                _ => {}
            }
        }
    }

    /// The value of an expression in the page; a promise is waited for.
    pub fn value(&mut self, expression: &str) -> Result<Value> {
        let wanted = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", &wanted)?;
        if !answer["exceptionDetails"].is_null() {
            bail!("{expression}: {}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression holds in the page.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        let script = format!(
            "new Promise((done, failed) => {{
                const end = Date.now() + 60000;
                const look = () => ({expression}) ? done(true)
                    : Date.now() > end ? failed(new Error(document.body.innerText)) : setTimeout(look, 20);
                document.readyState === 'complete' ? look() : addEventListener('load', look);
            }})"
        );
        self.value(&script).map(drop)
    }

    /// Replaces the text of a field, as a person would: all of it is chosen, and typed over.
    pub fn write(&mut self, id: &str, text: &str) -> Result<()> {
        self.value(&format!("document.getElementById('{id}').focus(); document.getElementById('{id}').select()"))?;
        if text.is_empty() {
            return self.press("Delete", 46);
        }
        self.call("Input.insertText", &json!({"text": text})).map(drop)
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str, code: u32) -> Result<()> {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", &event)?;
        }
        Ok(())
    }

    /// Makes the window as large as a screen, light or dark.
    pub fn screen(&mut self, width: u32, height: u32, scheme: &str) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size)?;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features).map(drop)
    }

    /// What a person sees, as PNG.
    pub fn picture(&mut self) -> Result<Vec<u8>> {
        let shot = self.call("Page.captureScreenshot", &json!({"format": "png"}))?;
        let data = shot["data"].as_str().context("no picture")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
    }
}
