// The selected connection and row, and the keys.
const view = { connection: null, row: null, direction: 0, raw: false };

/** Shows the capture as a whole, or the open connection. */
function show(name) {
  if (name === "one" && !view.connection) return;
  view.shown = name;
  $("capture").hidden = name !== "capture";
  $("one").hidden = name !== "one";
  for (const of of ["capture", "one"]) $(`to-${of}`).setAttribute("aria-current", of === name);
  if (name === "capture") { orderConnections(); return; }
  layOut();
  drawLadder();
  drawGraphs();
}

function open(c) {
  if (view.connection === c) { show("one"); return; }
  view.connection = c;
  view.row = null;
  const d = derive(c);
  view.direction = d.directions[1].top > d.directions[0].top ? 1 : 0;
  $("to-one").textContent = word("connection-number", c.stream);
  drawHead(c);
  drawOwnFindings(c);
  drawDirection();
  show("one");
  $("ladder").scrollTop = 0;
  filterLadder();
  inspect(null);
  zoomAll();
  remember();
}

function drawHead(c) {
  const title = make("h1", "", c.ends.map((e) => [e.name, e.address].filter(Boolean).join(" ")).join("  ⇄  "));
  const story = make("div", "", null, title, ...(c.story || []).map((line) => make("p", "dim", line)));
  const parts = [story];
  if (c.facts && c.facts.length) {
    const rows = c.facts.map((f) => make("tr", "", null, make("th", "", f.name), ...f.values.map((v) => make("td", "mono", v))));
    const names = make("tr", "", null, make("th"), ...c.ends.map((e, side) => make("th", "", `${side === 0 ? "→ " : "← "}${e.name || e.address}`)));
    const table = make("table", "", null, make("thead", "", null, names), make("tbody", "", null, ...rows));
    parts.push(make("details", "", null, make("summary", "", word("both-directions")), table));
  }
  $("head").replaceChildren(...parts);
  const blank = () => make("span"), room = Math.max(24, Math.floor(parseInt(getComputedStyle($("ladder-head")).getPropertyValue("--arrow"), 10) / 15 + 14));
  $("ladder-head").replaceChildren(make("span", "num", word("name-frame")), make("span", "num", word("seconds")), make("span", "name", c.ends[0].name || short(c.ends[0].address, room)), blank(), make("span", "name r", c.ends[1].name || short(c.ends[1].address, room)), make("span", "", word("name-why")));
}

function drawDirection() {
  const [from, to] = view.direction === 0 ? [0, 1] : [1, 0], name = (i) => view.connection.ends[i].name || short(view.connection.ends[i].address, 24);
  $("direction").textContent = `${name(from)} → ${name(to)}`;
  const entries = [["right", "sent"], ["note", "again"], ["bad", "lost"], ["good", "acknowledged"], ["left", "sack"], ["grey", "window"],
    ["wait", "application"], ["active", "network"], ["passive", "receiver"]].map(([color, key]) => [color, word(`legend-${key}`)]);
  const events = (view.connection.events || []).map((e) => e.kind), told = ["timeout", "zero-window", "reset", "icmp"].filter((kind) => events.includes(kind));
  if (view.connection.cwnd && view.connection.cwnd[view.direction] && view.connection.cwnd[view.direction].length) entries.push(["active", word("legend-cwnd")]);
  $("legend").replaceChildren(...entries.map(([color, text]) => { const mark = make("i"); mark.style.background = `var(--${color})`; return make("span", "", null, mark, text); }), ...told.map((kind) => make("span", "", word(`event-${kind}`))));
}

/** Picks a row; `scroll` brings it into view in the ladder, `zoom` in the graphs. */
function pick(row, { scroll, zoom }) {
  view.row = row;
  if (scroll) reveal(row);
  const [t0, t1] = graphs.span;
  if (zoom) {
    const d = derive(view.connection), width = Math.max((d.span[1] - d.span[0]) / 20, 1e-4);
    zoomTo(row.at - width / 2, row.at + width / 2);
  } else if (row.at < t0 || row.at > t1) zoomTo(row.at - (t1 - t0) / 2, row.at + (t1 - t0) / 2);
  inspect(row);
  drawLadder();
  schedule();
  remember();
}

function move(by) {
  const rows = ladder.rows;
  if (!rows.length) return;
  const now = rows.indexOf(view.row), index = now < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, now + by));
  pick(rows[index], { scroll: true });
}

function moveConnection(by) {
  const list = lists.shown || [], now = list.indexOf(view.connection);
  const next = list[Math.min(list.length - 1, Math.max(0, now + by))];
  if (!next) return;
  open(next);
}

let findingIndex = -1;
function moveFinding(by) {
  const list = (lists.groups || []).flatMap((g) => g.findings).filter((f) => f.stream !== undefined && f.stream !== null);
  if (!list.length) return;
  findingIndex = (findingIndex + by + list.length) % list.length;
  jump(list[findingIndex].stream, (list[findingIndex].frames || [])[0]);
}

function remember() {
  const frame = view.row && view.row.segment && view.row.segment.frame;
  try { history.replaceState(null, "", `#stream=${view.connection.stream}${frame ? `&frame=${frame}` : ""}`); } catch { /* some viewers forbid it */ }
}

const THEMES = ["auto", "light", "dark"];
function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
  $("theme").textContent = word("theme", word(`theme-${name}`));
  view.theme = name;
  readPalette();
  schedule();
}
const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(view.theme) + 1) % THEMES.length]);
function flipNumbers() { view.raw = !view.raw; $("numbers").textContent = word(view.raw ? "raw" : "relative"); filterLadder(); }
function flipDirection() { view.direction = 1 - view.direction; drawDirection(); schedule(); }

const KEYS = [
  ["j ↓", "next-row", () => move(1), ["j", "ArrowDown"]], ["k ↑", "row-before", () => move(-1), ["k", "ArrowUp"]],
  ["PgDn PgUp", "twenty-rows", () => move(20), ["PageDown"]], [null, null, () => move(-20), ["PageUp"]],
  ["g G", "first-last", () => move(-1e9), ["g", "Home"]], [null, null, () => move(1e9), ["G", "End"]],
  ["f F", "findings", () => moveFinding(1), ["f"]], [null, null, () => moveFinding(-1), ["F"]],
  ["n p", "connections", () => moveConnection(1), ["n"]], [null, null, () => moveConnection(-1), ["p"]],
  ["+ - 0", "zoom", () => zoomBy(0.5), ["+", "="]], [null, null, () => zoomBy(2), ["-"]], [null, null, zoomAll, ["0"]],
  ["← →", "earlier-later", () => pan(-0.2), ["ArrowLeft"]], [null, null, () => pan(0.2), ["ArrowRight"]],
  ["d", "direction", flipDirection, ["d"]], ["a", "numbers", flipNumbers, ["a"]],
  ["/ s", "filter", () => { show("capture"); $("connection-filter").focus(); }, ["/"]], [null, null, () => { show("one"); $("segment-filter").focus(); }, ["s"]],
  ["o", "views", () => show(view.shown === "one" ? "capture" : "one"), ["o"]], ["t", "theme", nextTheme, ["t"]], ["?", "list", () => $("keys").showModal(), ["?"]],
];

function listenToKeys() {
  document.addEventListener("keydown", (e) => {
    const typing = e.target instanceof HTMLInputElement && e.target.type === "search";
    if (typing && e.key === "Escape") { e.target.value = ""; e.target.dispatchEvent(new Event("input")); e.target.blur(); return; }
    if (typing || e.ctrlKey || e.metaKey || e.altKey || $("keys").open) return;
    const found = KEYS.find((k) => k[3].includes(e.key));
    if (found && view.connection) { e.preventDefault(); found[2](); }
  });
  $("keys").querySelector("dl").append(...KEYS.filter((k) => k[0]).flatMap((k) => [make("dt", "", k[0]), make("dd", "", word(`key-${k[1]}`))]));
}

function begin() {
  $("source").textContent = data.source || "";
  $("notices").append(...(data.notices || []).map((n) => make("p", "", n)));
  $("theme").onclick = nextTheme;
  $("numbers").onclick = flipNumbers;
  $("direction").onclick = flipDirection;
  $("help").onclick = () => $("keys").showModal();
  $("to-capture").onclick = () => show("capture");
  $("to-one").onclick = () => { if (!view.connection && data.connections[0]) open(data.connections[0]); else show("one"); };
  listenToLists();
  listenToKeys();
  listenToGraphs();
  listenToLadder();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readPalette(); schedule(); });
  setTheme("auto");
  drawFindings(false);
  orderConnections();
  const hash = new URLSearchParams(location.hash.slice(1)), stream = Number(hash.get("stream"));
  const wanted = hash.has("stream") && data.connections.find((c) => c.stream === stream);
  if (wanted && hash.has("frame")) jump(stream, Number(hash.get("frame")));
  else if (wanted || data.connections.length === 1) open(wanted || data.connections[0]);
  else if (data.connections.length) show("capture");
  else $("findings").append(make("p", "dim", word("no-connections")));
}
begin();
