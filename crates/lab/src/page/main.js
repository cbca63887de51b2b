// Everything that is drawn when the moment changes, the keys, and the begin.

// A laboratory has no senders that wait for hours: what each waited for, and how much passed, are left out.
for (const id of ["limits", "rate"]) PANES.splice(PANES.findIndex((p) => p.id === id), 1);
for (const pane of PANES) if (pane.share) pane.share = pane.id === "sequence" ? 0.5 : 0.25;

function draw() {
  drawPlay();
  drawMarks();
  drawHappened();
  drawDeeds();
  for (const side of [0, 1]) drawHost(side);
  drawWire();
  clearTimeout(lab.drawing);
  lab.drawing = setTimeout(drawBelow);
  $("numbers").textContent = phrase(view.raw ? "numbers.absolute" : "numbers.relative");
}

/** The ladder and the graphs, which are report's. */
function drawBelow() {
  const c = lab.view.connection;
  lab.view.series.forEach((of, side) => { c.cwnd[side] = of.cwnd; c.rtt[side] = of.rtt_ms.map(([at, ms]) => [at, ms / 1000]); });
  const d = derive(c);
  // On the wire one that no host has sent has a relative number, too.
  for (const s of c.segments) if (s.fate === "stray" && Number.isInteger(c.isn[s.from])) s.offset = (s.seq - c.isn[s.from]) | 0;
  // Up to now, not to the last segment.
  d.span = [0, Math.max(lab.view.time, d.span[1])];
  d.lanes = [0, 1].map((side) => lane(c, side, d.span));
  c.ends.forEach((end, side) => { end.name = hostName(side); });
  view.connection = c;
  view.row = null;
  view.direction = lab.direction === undefined ? (d.directions[1].top > d.directions[0].top ? 1 : 0) : lab.direction;
  const blank = () => make("span");
  $("ladder-head").replaceChildren(blank(), make("span", "num", phrase("seconds")), make("span", "name", c.ends[0].name), blank(), make("span", "name r", c.ends[1].name), make("span", "", phrase("why")));
  drawDirection();
  filterLadder();
  $("ladder").scrollTop = ladder.tops[ladder.rows.length];
  drawLadder();
  inspect(null);
  zoomToTraffic(c, d.span[1]);
}

/** All of the graphs; a long silence at the end, as of TIME-WAIT, is left out, since everything before it would be a line. */
function zoomToTraffic(c, end) {
  const last = c.segments.reduce((latest, s) => Math.max(latest, s.at, s.arrived || 0), 0);
  if (last > 0 && end > 2 * last) zoomTo(0, last * 1.05); else zoomAll();
}

function drawDirection() {
  const [from, to] = view.direction === 0 ? [0, 1] : [1, 0];
  $("direction").textContent = `${hostName(from)} → ${hostName(to)}`;
  const entries = [["right", "sent"], ["note", "again"], ["bad", "lost"], ["good", "acked"], ["grey", "window"], ["active", "cwnd"]];
  $("legend").replaceChildren(...entries.map(([color, key]) => { const mark = make("i"); mark.style.background = `var(--${color})`; return make("span", "", null, mark, phrase(`legend.${key}`)); }));
}

/** A row of the ladder or a point of the graphs was picked: it is shown on the wire, too. */
function pick(row, { scroll }) {
  view.row = row;
  if (scroll) reveal(row);
  inspect(row);
  drawLadder();
  schedule();
  if (!row.segment) return;
  const found = wire.list.find((s) => s.segment === row.segment || (s.frame !== null && s.frame === frameOf(row.segment)));
  if (found) { lab.picked = found.key; drawWire(); openSegment(found); }
}

const flipNumbers = () => { view.raw = !view.raw; draw(); };
const flipDirection = () => { lab.direction = 1 - view.direction; view.direction = lab.direction; drawDirection(); schedule(); };
const otherLanguage = () => LANGUAGES.find((l) => l !== words.lang);

const KEYS = [
  ["→", "step", step, ["ArrowRight"]], ["←", "back", back, ["ArrowLeft"]], ["␣", "play", togglePlay, [" "]], ["Home", "to-start", () => jumpTo(0), ["Home"]], ["End", "to-end", () => jumpTo(lab.view.events), ["End"]],
  ["+", "faster", () => setSpeed(1), ["+", "="]], ["−", "slower", () => setSpeed(-1), ["-"]],
  ["d", "drop", () => { const s = wire.list.find((s) => s.key === lab.picked); if (s) drop(s); else say(phrase("key.drop.none")); }, ["d"]],
  ["i", "inject", () => openInject(), ["i"]], ["a", "numbers", flipNumbers, ["a"]], ["l", "lessons", () => $("lesson-list").showModal(), ["l"]], ["z", "language", () => changeLanguage(otherLanguage()), ["z"]], ["?", "keys", () => $("keys").showModal(), ["?"]],
];

function listenToKeys() {
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
    const t = e.target, types = t instanceof HTMLTextAreaElement || t instanceof HTMLSelectElement || (t instanceof HTMLInputElement && t.type !== "range");
    if (types || (e.key === " " && t.closest && t.closest("button, summary, [role=button]"))) return;
    const found = KEYS.find((k) => k[3].includes(e.key));
    if (found && lab.view) { e.preventDefault(); found[2](); }
  });
}
const drawKeys = () => $("keys").querySelector("dl").replaceChildren(...KEYS.flatMap(([key, name]) => [make("dt", "", key), make("dd", "", phrase(`key.${name}`))]));

async function changeLanguage(lang) {
  stop();
  await setLanguage(lang);
  lab.lessons = (await ask({ ask: "lessons", lang: words.lang })).lessons;
  readDiagram(await ask({ ask: "diagram", lang: words.lang }));
  drawKeys();
  drawTools();
  if (lab.lesson) await openLesson(lab.lesson.id, lab.moment);
}

function drawTools() {
  $("wire-tools").replaceChildren(button("inject", openInject), button("wire.edit", openWire), button("lens.open", () => openInLens().catch((error) => say(error.message))));
  $("families").replaceChildren(...FAMILIES.map((family) => [family].flat()[0]).map((name) => make("span", "", null, chip(name), ` ${phrase(`family.${name}`)}`)));
}

/** The moment of the address; one that cannot be read, or cannot be run, says so and gives the first lesson. */
async function openAddress() {
  let moment;
  try { moment = momentOf(location.hash); } catch { say(phrase("address.unreadable")); moment = { lesson: undefined, setup: undefined, deeds: [], at: 0 }; }
  const first = lab.lessons[0].id, known = lab.lessons.some((l) => l.id === moment.lesson);
  if (moment.lesson && !known) say(phrase("address.lesson"));
  try { await openLesson(known ? moment.lesson : first, { ...moment, lesson: known ? moment.lesson : first }); } catch (error) {
    say(`${phrase("address.unreadable")} ${error.message}`);
    await openLesson(first);
  }
}

function listen() {
  Object.assign($("to-start"), { onclick: () => jumpTo(0) });
  $("back").onclick = back;
  $("step").onclick = step;
  $("play").onclick = togglePlay;
  $("to-end").onclick = () => jumpTo(lab.view.events);
  $("slower").onclick = () => setSpeed(-1);
  $("faster").onclick = () => setSpeed(1);
  $("slider").oninput = () => jumpTo(Number($("slider").value));
  $("numbers").onclick = flipNumbers;
  $("direction").onclick = flipDirection;
  $("language").onclick = () => changeLanguage(otherLanguage()).catch((error) => say(error.message));
  $("lessons").onclick = () => $("lesson-list").showModal();
  $("to-lesson").onclick = (e) => { e.preventDefault(); $("lesson").scrollIntoView({ block: "start", behavior: reducedMotion() ? "auto" : "smooth" }); };
  $("help").onclick = () => $("keys").showModal();
  $("share").onclick = share;
  $("save").onclick = () => savePcap().catch((error) => say(error.message));
  listenToDoor();
  listenToMenu();
  listenToKeys();
  listenToGraphs();
  listenToLadder();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readPalette(); schedule(); });
  window.addEventListener("resize", () => { if (window.innerWidth !== wire.measuredIn && lab.view) drawWire(); });
  window.addEventListener("hashchange", () => { if (location.hash !== lab.address) openAddress(); });
}

async function begin() {
  $("beginning").hidden = false;
  readPalette();
  listen();
  await changeLanguage(languageOf(location.hash));
  await openAddress();
  document.body.classList.add("ready");
}
begin().catch((error) => say(error.message)).finally(() => $("beginning").remove());
