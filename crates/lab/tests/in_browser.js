// Uses the page as a person would, and writes the results into the document.
// A headless browser may draw no frames, but the order of events is the same.
const inFrame = location.search === "?frame";
const troubles = [];
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 8);
window.cancelAnimationFrame = clearTimeout;
addEventListener("error", (e) => troubles.push(e.message));
addEventListener("unhandledrejection", (e) => troubles.push(String(e.reason)));
addEventListener("securitypolicyviolation", (e) => troubles.push(`policy: ${e.blockedURI}`));
for (const kind of ["error", "warn"]) console[kind] = (...texts) => troubles.push(texts.join(" "));
if (!inFrame) addEventListener("load", () => {
  const said = [], say = (name, value) => said.push(`${name}=${value}`);
  const all = (selector, of = document) => [...of.querySelectorAll(selector)], one = (selector, of = document) => of.querySelector(selector);
  const text = (selector) => one(selector).textContent.trim().replace(/\s+/g, " ");
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const until = async (holds, of) => { for (let i = 0; i < 300; i++) { if (holds()) return; await sleep(20); } throw new Error(`in vain: ${of}`); };
  const event = () => Number(one("#slider").value);
  const press = (key, on = document) => on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const stepTo = async (at) => { while (event() < at) { const was = event(); press("ArrowRight"); await until(() => event() !== was, `step from ${was}`); } };
  const states = () => all(".state-name").map((e) => e.textContent).join(" ");
  const click = (selector, label) => all(selector).find((e) => e.textContent.includes(label)).click();
  const moment = (m) => `#l=en&m=${btoa(JSON.stringify(m)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
  const open = async (hash, holds, of) => { location.hash = hash; await until(holds, of); };
  const wide = (of) => all("body *", of).filter((e) => !e.closest("#wire-box, #ladder, dialog, #tip") && e.getBoundingClientRect().right > of.documentElement.clientWidth + 1).map((e) => e.id || e.className || e.tagName).slice(0, 5);
  (async () => {
    await until(() => document.body.classList.contains("ready"), "the first view");
    say("title", document.title);
    say("begin", states());
    await stepTo(3);
    say("handshake", states());
    say("connect", text("#host-0 .program li"));
    say("accept", text("#host-1 .program li.now"));
    say("happened", all("#happened li").some((e) => e.textContent.includes("connect returns")));
    say("on-the-way", all("#wire-moving .seg").length > 0);
    say("numbers", text("#host-0 .numbers dl").startsWith("cwnd"));
    say("lit", all("#host-0 .state-box.here text").map((e) => e.textContent));
    say("section", text("#host-0 .section"));

    // The third step is lost: it is clicked on the wire, and the menu says what can be done.
    const clock = text("#clock");
    one("#wire-moving .seg").dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: 600, clientY: 400 }));
    say("menu", one("#menu").open && all("#menu button").length > 5);
    click("#menu button", "lose it");
    await until(() => all(".deed").length === 1, "the deed");
    say("deed", text(".deed span"));
    press("End");
    await until(() => one("#step").disabled, "the end");
    say("lost", all("#wire-svg .seg.lost").length);
    say("end", states());
    press("Home");
    await until(() => event() === 0, "the start");
    await stepTo(3);
    await stepTo(4);
    press("ArrowLeft");
    await until(() => event() === 3, "a step back");
    say("back", text("#clock").split(" · ")[0] === clock.split(" · ")[0]);
    // However fast the keys are pressed, each counts.
    for (const key of ["ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"]) press(key);
    await until(() => event() === 5, "three steps on and one back");
    click(".deed button", "take it back");
    await until(() => all(".deed").length === 0, "the deed is taken back");
    say("taken-back", one("#deeds").hidden);

    // A program is edited, wrongly and rightly.
    one("#host-0 .part-head button").click();
    one("#program-0").value = "connect\nwirte 5";
    click("#host-0 .buttons button", "run");
    await until(() => text("#wrong-0"), "an error");
    say("wrong", `${one("#program-0").selectionStart}-${one("#program-0").selectionEnd}`);
    one("#program-0").value = "connect\nwrite 5\nclose";
    click("#host-0 .buttons button", "run");
    await until(() => !one("#program-0"), "the run");
    say("edited", all("#host-0 .program li span:first-child").map((e) => e.textContent));

    // Addresses: a moment, one that cannot be read, and the one that the page wrote.
    await open(moment({ lesson: "three-steps", at: 5 }), () => event() === 5 && one("#deeds").hidden, "a moment");
    const kept = location.hash;
    await open("#m=nothing%20of%20it", () => !one("#message").hidden && event() === 0, "a message and the first lesson");
    say("unreadable", one("#lesson-title").textContent);
    one("#message button").click();
    await open(kept, () => event() === 5, "the moment again");
    say("shared", states());

    // A question: one choice is right.
    const marks = [];
    for (const choice of all(".question .choice").slice(0, all(".question")[0].querySelectorAll(".choice").length)) {
      choice.click();
      await until(() => choice.classList.contains("right-one") || choice.classList.contains("wrong-one"), "an answer");
      marks.push(choice.classList.contains("right-one"));
    }
    say("right-answers", marks.filter(Boolean).length);

    // What happened is told once each, in the order of cause and effect: duplicates are one an event, CLOSE-WAIT comes
    // before the call that it lets return, LAST-ACK after the call that asked for it.
    const happened = () => all("#happened li").map((e) => e.textContent);
    const at = async (lesson, number) => { await open(moment({ lesson, at: number }), () => event() === number && one("#lesson-title").textContent !== "", lesson); await sleep(60); };
    const told = [];
    for (let number = 19; number <= 34; number++) { await at("loss-fast", number); told.push(happened().filter((t) => t.includes("arrives at client")).length); }
    say("one-an-event", Math.max(...told));
    await at("three-steps", 11);
    const places = ["arrives at client", "CLOSE-WAIT", "recv all returns", "close", "LAST-ACK", "sends ACK"].map((of) => happened().findIndex((t) => (of === "close" ? t === "client: close" : of === "CLOSE-WAIT" ? t.includes("→ CLOSE-WAIT") : of === "LAST-ACK" ? t.includes("→ LAST-ACK") : t.includes(of))));
    say("in-order", places);
    say("margin", all("#wire-svg .note-call, #wire-svg .note-state").map((e) => e.firstChild.textContent).slice(-5));
    await at("reset-refused", 3);
    say("failed", all("#host-0 .program li").map((e) => e.textContent));
    say("unnumbered", all("#wire-svg .tag-text").map((e) => e.textContent));
    await at("window-zero", 10);
    say("window", all("#wire-svg .tag-text").map((e) => e.textContent).filter((t) => t.includes("Win=")).slice(-1));
    await at("reset-forged", 8);
    say("refused", happened()[0]);
    say("stray", [all("#wire-svg .stray .tag-text").map((e) => e.textContent), all("#ladder .row").map((e) => e.textContent).map((t) => (t.match(/RST Seq=\d+/) || [])[0]).filter(Boolean)]);
    await open(kept, () => event() === 5 && one("#lesson-title").textContent === "Three steps", "the moment again");

    // The lines of the graphs go on in time, also while acknowledgments are under way and after one was overtaken.
    const forward = (lists) => lists.every((list) => list.every(([at], i) => i === 0 || list[i - 1][0] <= at));
    const lines = () => inside().view.connection.derived.directions.flatMap((d) => [d.acks, d.window]);
    const runs = [];
    for (const [lesson, at, deeds] of [["congestion", 300, []], ["slow-start", 1000, [{ delay: { frame: 11, ms: 30 } }]]]) {
      const was = inside().view.connection;
      await open(moment({ lesson, at, deeds }), () => inside().view.connection !== was && inside().lab.moment.lesson === lesson, lesson);
      runs.push(forward(lines()) && lines().flat().length > 20);
    }
    say("forward", runs);
    await open(kept, () => event() === 5, "lesson 1 again");

    // Absolute numbers, every lesson, the list of keys.
    press("a");
    say("absolute", all("#wire-svg .tag-text").some((e) => e.textContent.includes("4225926656")));
    press("a");
    say("lessons", all("#lesson-list li").length >= 12);
    say("keys", all("#keys dt").length);

    // The other language: no text of the first one is left.
    const words = async (lang) => (await fetch("/call", { method: "POST", body: JSON.stringify({ ask: "words", lang }) })).json();
    const [english, chinese] = [await words("en"), await words("zh")];
    press("z");
    await until(() => document.documentElement.lang === "zh-CN" && one("#step").textContent.includes(chinese.step), "Chinese");
    await until(() => all("#lesson-list li").length && /[\u4e00-\u9fff]/.test(one("#lesson-title").textContent), "a lesson in Chinese");
    const left = new Set(Object.keys(english).filter((key) => english[key] !== chinese[key]).map((key) => english[key]));
    // A call is drawn in pieces, and what it is to do is a word of the program.
    const shown = (e) => (e.closest(".call") ? [e.textContent.replace("◆", "")] : [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent)).map((t) => t.trim());
    const spoken = all("body *").filter((e) => !e.closest("script, .program")).flatMap((e) => [...shown(e), e.title, e.getAttribute("aria-label"), e.placeholder]);
    say("english-left", spoken.filter((t) => left.has(t)));
    say("keys-left", all("body *").filter((e) => e.children.length === 0 && !e.closest("script, style") && /^[a-z]+(\.[a-z-]+)+$/.test(e.textContent.trim())).map((e) => e.textContent));
    press("z");
    await until(() => document.documentElement.lang === "en", "English");

    // Everything that can be pressed has a name.
    say("nameless", all("button, [role=button], input, select, textarea").filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.closest("label") || e.title)).map((e) => e.outerHTML.slice(0, 80)));
    say("wide", wide(document));

    // On a phone.
    const frame = document.createElement("iframe");
    Object.assign(frame, { src: "/?frame", width: 375, height: 800 });
    Object.assign(frame.style, { border: 0, position: "absolute", left: 0, top: 0, width: "375px" });
    document.body.append(frame);
    await until(() => frame.contentDocument && frame.contentDocument.body && frame.contentDocument.body.classList.contains("ready"), "the page on a phone");
    frame.contentDocument.dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", { key: "End", bubbles: true, cancelable: true }));
    await until(() => frame.contentDocument.querySelector("#step").disabled, "the end on a phone");
    say("phone-scrolls", frame.contentDocument.scrollingElement.scrollWidth - frame.contentDocument.documentElement.clientWidth);
    say("phone-wide", wide(frame.contentDocument));
    frame.remove();
  })().catch((error) => say("error", error.stack || error)).finally(() => {
    say("troubles", troubles.join("; "));
    const result = document.createElement("pre");
    result.id = "result";
    result.textContent = said.join("\n");
    document.body.append(result);
  });
});
