//! The page as a browser runs it: headless Chromium, if it is installed, plays a lesson and writes down what it sees.
//!
//! A small server gives the page with a driver in it (`in_browser.js`) and answers its calls as `synfin lab` does. It
//! notes what was asked for, so that a page that loads anything else is found.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use synfin_lab::Lab;
use synfin_lab::page::{Backend, html};

/// A browser, if one is installed.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// Serves the page and answers its calls until the test ends; gives its address, and tells of each request.
fn serve(page: String) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let (asked, asks) = mpsc::channel::<String>();
    let (questions, heard) = mpsc::channel::<(String, mpsc::Sender<String>)>();
    thread::spawn(move || {
        let mut lab = Lab::new();
        for (question, answer) in heard {
            drop(answer.send(lab.call(&question)));
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (page, asked, questions) = (page.clone(), asked.clone(), questions.clone());
            thread::spawn(move || exchange(&stream, &page, &asked, &questions));
        }
    });
    (address, asks)
}

/// One connection with one request.
fn exchange(
    stream: &TcpStream,
    page: &str,
    asked: &mpsc::Sender<String>,
    questions: &mpsc::Sender<(String, mpsc::Sender<String>)>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let target = head.split(' ').nth(1)?.to_owned();
    let field =
        |line: &str| line.to_lowercase().strip_prefix("content-length: ")?.trim().parse::<usize>().ok();
    let mut body = vec![0; head.lines().find_map(field).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let (media_type, answer) = if target == "/call" {
        let (sender, answer) = mpsc::channel();
        questions.send((String::from_utf8(body).ok()?, sender)).ok()?;
        ("application/json", answer.recv().ok()?)
    } else {
        ("text/html; charset=utf-8", page.to_owned())
    };
    drop(asked.send(target));
    let len = answer.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())).ok()
}

/// What the driver says in a window of this size.
fn said_in(browser: &Path, size: &str, address: &str) -> String {
    let folder = std::env::temp_dir().join(format!("synfin-lab-{}-{size}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the profile can be made");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=40000", "--dump-dom", "--lang=en-US"])
        .arg(format!("--window-size={size}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(address)
        .output()
        .expect("the browser can be started");
    let dom = String::from_utf8_lossy(&output.stdout);
    let result = dom.split_once("<pre id=\"result\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let said = result.map_or_else(
        || panic!("the page did not finish: {}", String::from_utf8_lossy(&output.stderr)),
        |(text, _)| text.to_owned(),
    );
    drop(std::fs::remove_dir_all(&folder));
    said
}

/// Lesson 1 is played, a segment is lost, a step is taken back, the language is changed, addresses are opened.
#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = browser() else {
        assert!(std::env::var_os("CI").is_none(), "there is no chromium here: install the package chromium");
        drop(writeln!(std::io::stderr(), "skipped: there is no chromium here; the package chromium has it"));
        return;
    };
    let driver = format!("<script>{}</script>\n<header class=\"bar", include_str!("in_browser.js"));
    let page = html(Backend::Http).replacen("<header class=\"bar", &driver, 1);
    // The driver looks at what is drawn, which the page keeps for itself.
    let page =
        page.replacen("\"use strict\";\n", "\"use strict\";\nwindow.inside = () => ({ lab, view });\n", 1);
    // The driver looks at the page in a frame as wide as a phone.
    let page = page.replacen("frame-src blob:", "frame-src 'self' blob:", 1);
    let (address, asks) = serve(page);
    let expected = include_str!("in_browser.txt").trim_end();
    assert_eq!(said_in(&browser, "1280,900", &address).trim_end(), expected);
    let others: Vec<String> =
        asks.try_iter().filter(|target| !matches!(&target[..], "/" | "/?frame" | "/call")).collect();
    assert_eq!(others, Vec::<String>::new(), "nothing else is asked for");
}
