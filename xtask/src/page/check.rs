//! The page in headless Chromium beside the same questions natively: what both answer is equal to the byte.
//!
//! It opens from disk, and neither page, worker nor frame may ask a network for anything or complain. A capture goes in
//! through the door as a person puts it there. `SYNFIN_SHOTS` names a folder for pictures of the door.

use super::browser::{self, Browser};
use super::cannot;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod captures;

/// How often a million segments are explained; how long it takes is told, and nothing depends on it.
const MILLION_RUNS: usize = 3;
/// Questions that go to the page at once.
const BATCH: usize = 32;

/// Checks this file.
///
/// # Errors
/// What differs, what was complained of, what was asked of a network.
pub(super) fn run(page: &Path) -> Result<(), String> {
    let program = browser::installed()
        .ok_or("there is no chromium to check the page with: install the package chromium")?;
    let page = fs::canonicalize(page).map_err(|error| cannot("find", page, &error))?;
    let scratch = page.with_file_name("page-check");
    fs::create_dir_all(&scratch).map_err(|error| cannot("make", &scratch, &error))?;
    let address = format!("file://{}", page.display());
    let mut browser = Browser::open(&program, &address, (1440, 1000))?;
    wait_until(&mut browser, "window.synfin !== undefined")?;
    let count = questions(&mut browser)?;
    println!("{count} answers of the laboratory are the native ones");
    panics(&mut browser)?;
    picture(&mut browser, "door-before", "door")?;
    let count = captures(&mut browser, &scratch)?;
    println!("{count} captures give the native page");
    refusals(&mut browser, &scratch)?;
    million(&mut browser, &scratch)?;
    let asked: Vec<&String> = browser.requests.iter().filter(|url| !is_inside(url, &address)).collect();
    if !asked.is_empty() {
        return Err(format!("the page asked for {asked:?}"));
    }
    if !browser.complaints.is_empty() {
        return Err(format!("the page complained: {}", browser.complaints.join("\n")));
    }
    println!("no request left the page, and the console is empty");
    fs::remove_dir_all(&scratch).map_err(|error| cannot("remove", &scratch, &error))
}

/// The page itself, and what it holds.
fn is_inside(url: &str, page: &str) -> bool {
    url == page || url.split('#').next() == Some(page) || url.starts_with("blob:") || url.starts_with("data:")
}

/// Asks the page and the laboratory all that can be asked of every lesson.
fn questions(browser: &mut Browser) -> Result<usize, String> {
    let mut lab = lab::Lab::new();
    let mut questions = vec![json!({ "ask": "what?" })];
    for lang in ["en", "zh"] {
        for ask in ["lessons", "words", "diagram"] {
            questions.push(json!({ "ask": ask, "lang": lang }));
        }
        for lesson in lab::Lesson::all() {
            let id = lesson.id();
            questions.push(json!({ "ask": "lesson", "id": id, "lang": lang }));
            let events = view(&mut lab, id, 0)["events"].as_u64().unwrap_or(0);
            let view = |at| json!({ "ask": "view", "moment": { "lesson": id, "at": at }, "lang": lang });
            questions.extend((0..=events).map(view));
            questions.push(json!({ "ask": "pcap", "moment": { "lesson": id, "at": events } }));
        }
    }
    for batch in questions.chunks(BATCH) {
        let batch: Vec<String> = batch.iter().map(Value::to_string).collect();
        let asked = json!(batch);
        let answers = browser.value(&format!(
            "(async () => {{ const said = []; for (const q of {asked}) said.push(await synfin.call(q)); return said; }})()"
        ))?;
        let answers = answers.as_array().ok_or("the page gave no answers")?;
        for (question, answer) in batch.iter().zip(answers) {
            let native = lab.call(question);
            if answer.as_str() != Some(&native) {
                return Err(format!("{question}: the page answers {answer}, natively it is {native}"));
            }
        }
    }
    Ok(questions.len())
}

fn view(lab: &mut lab::Lab, lesson: &str, at: u64) -> Value {
    let question = json!({ "ask": "view", "moment": { "lesson": lesson, "at": at } });
    serde_json::from_str(&lab.call(&question.to_string())).unwrap_or_default()
}

/// A panic is an answer, and the next question is answered by a new instance. Nothing that can be asked panics, so the
/// module is asked for room that no memory has.
fn panics(browser: &mut Browser) -> Result<(), String> {
    const SOURCE: &str = include_str!("../../../crates/lab/src/page/wasm.js");
    let said = browser.value(&format!(
        "(async () => {{ {SOURCE}
            const module = await unpackModule(document.getElementById('module').textContent.trim());
            const call = laboratoryOf(module), encode = TextEncoder.prototype.encode, said = [];
            TextEncoder.prototype.encode = () => ({{ length: 0x80000001 }});
            try {{ said.push(await call('{{}}')); }} finally {{ TextEncoder.prototype.encode = encode; }}
            said.push(await call('{{\"ask\":\"view\",\"moment\":{{}}}}'));
            return said.join('\\n');
        }})()"
    ))?;
    let said = said.as_str().unwrap_or_default();
    let (panic, next) = said.split_once('\n').unwrap_or_default();
    if !(panic.starts_with("{\"error\":\"panicked at ") && panic.contains("capacity overflow")) {
        return Err(format!("a panic is told as {panic}"));
    }
    match next.starts_with("{\"version\":") {
        true => Ok(()),
        false => Err(format!("after a panic the page answers {next}")),
    }
}

/// Puts every capture through the door.
fn captures(browser: &mut Browser, scratch: &Path) -> Result<usize, String> {
    let files = captures::all(scratch)?;
    for (number, file) in files.iter().enumerate() {
        let native = native(file).map_err(|error| format!("{}: {error}", file.display()))?;
        hand_over(browser, file, if number % 2 == 0 { Way::Chosen } else { Way::Dropped })?;
        let told = browser.value("document.getElementById('door-error').textContent")?;
        let page = browser.value("synfin.shown() && synfin.shown().text()")?;
        if page.is_null() {
            return Err(format!("{}: the door says {told}", file.display()));
        }
        if page.as_str() != Some(&native) {
            return Err(format!(
                "{}: {}",
                file.display(),
                difference(page.as_str().unwrap_or_default(), &native)
            ));
        }
    }
    picture(browser, "door-after", "door")?;
    Ok(files.len())
}

/// The page of a capture, or the answer that says why there is none.
fn native(file: &Path) -> Result<String, String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let input = fs::File::open(file).map_err(|error| cannot("read", file, &error))?;
    lab::explain(input, &json!({ "name": name }).to_string())
}

/// Where two texts part.
fn difference(one: &str, other: &str) -> String {
    let at = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let near = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(60)..(at + 60).min(text.len())])
            .into_owned()
    };
    format!("from byte {at} on the page has\n{}\nand natively it is\n{}", near(one), near(other))
}

/// How a person hands a file over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Chosen,
    Dropped,
}

/// Hands a file over, and waits until its page is drawn or an error is told. Returns how long that took in milliseconds.
fn hand_over(browser: &mut Browser, file: &Path, way: Way) -> Result<f64, String> {
    begin(browser, file, way)?;
    browser.value("window.done")?.as_f64().ok_or_else(|| format!("{}: nothing is shown", file.display()))
}

fn begin(browser: &mut Browser, file: &Path, way: Way) -> Result<(), String> {
    browser.value(
        "(() => { const of = (id) => document.getElementById(id); let begun = 0;
            for (const way of ['change', 'drop']) document.addEventListener(way, () => { begun = performance.now(); }, { capture: true, once: true });
            window.done = new Promise((done) => {
                const stop = new AbortController(), seen = new MutationObserver(() => { if (!of('door-error').hidden) end(); });
                const end = () => { stop.abort(); seen.disconnect(); done(performance.now() - begun); };
                const loaded = () => { if (of('door-page').src) end(); };
                of('door-page').addEventListener('load', loaded, { signal: stop.signal });
                seen.observe(of('door-error'), { attributes: true });
                window.made = NaN;
                const made = new MutationObserver(() => { if (!of('door-shown').hidden) { made.disconnect(); window.made = performance.now() - begun; } });
                made.observe(of('door-shown'), { attributes: true });
            }); })()",
    )?;
    match way {
        Way::Chosen => browser.choose("#door-file", file),
        // The whole page is the door, but a page that is shown in it is another one.
        Way::Dropped => browser.drop_file([200, 20], file),
    }
}

/// What is no capture is refused in the native words, and so is what is none in gzip.
fn refusals(browser: &mut Browser, scratch: &Path) -> Result<(), String> {
    let files = captures::refused(scratch)?;
    for file in &files {
        hand_over(browser, file, Way::Chosen)?;
        let told = browser.value("document.getElementById('door-error').textContent")?;
        let native = native(file).err().ok_or("a file that is no capture was explained")?;
        let native: Value = serde_json::from_str(&native).map_err(|error| error.to_string())?;
        if told != native["error"] {
            return Err(format!("{}: the door says {told}, natively it is {native}", file.display()));
        }
    }
    picture(browser, "door-error", "door")?;
    println!("{} files that are no captures are refused in the native words", files.len());
    Ok(())
}

/// A million segments: how long they take, what is seen meanwhile, and that they can be given up.
fn million(browser: &mut Browser, scratch: &Path) -> Result<(), String> {
    let file = captures::million(scratch)?;
    begin(browser, &file, Way::Chosen)?;
    wait_until(browser, "document.getElementById('door-progress').value > 0.3")?;
    picture(browser, "door-during", "door")?;
    browser.value("document.getElementById('door-cancel').click()")?;
    let is_given_up =
        "!document.getElementById('door-open').hidden && document.getElementById('door-busy').hidden";
    if browser.value(is_given_up)? != json!(true) {
        return Err("a capture cannot be given up while it is read".to_owned());
    }
    let (mut times, mut made) = (Vec::new(), Vec::new());
    for _ in 0..MILLION_RUNS {
        times.push(hand_over(browser, &file, Way::Chosen)?);
        made.push(browser.value("window.made")?.as_f64().unwrap_or(f64::NAN));
    }
    let native = native(&file)?;
    if browser.value("synfin.shown().text()")?.as_str() != Some(&native) {
        return Err("a million segments give another page than natively".to_owned());
    }
    picture(browser, "door-million", "door")?;
    let shown =
        |times: &[f64]| times.iter().map(|ms| format!("{:.2} s", ms / 1e3)).collect::<Vec<_>>().join(", ");
    println!(
        "a million segments: {} from choosing the file to its page drawn, the worker's part {}",
        shown(&times),
        shown(&made)
    );
    Ok(())
}

fn wait_until(browser: &mut Browser, condition: &str) -> Result<(), String> {
    let patient = Instant::now();
    while patient.elapsed() < Duration::from_secs(30) {
        if browser.value(condition)? == json!(true) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(format!("this never came to be: {condition}"))
}

/// A picture of the window with this element at its top, if pictures are wanted.
fn picture(browser: &mut Browser, name: &str, element: &str) -> Result<(), String> {
    let Some(folder) = std::env::var_os("SYNFIN_SHOTS").map(PathBuf::from) else { return Ok(()) };
    browser.value(&format!("document.getElementById('{element}').scrollIntoView({{ block: 'start' }})"))?;
    let picture = browser.picture()?;
    let file = folder.join(format!("{name}.png.base64"));
    fs::write(&file, picture).map_err(|error| cannot("write", &file, &error))
}
