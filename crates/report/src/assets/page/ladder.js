// The ladder: only the rows in view are elements, so that a hundred thousand segments scroll. A row is as high as its
// reason is long, so that nothing is cut; the height is worked out from the letters, which are all equally wide.
const LINE = 17, ROW = 26, CARD = 54;
/** The most rows that are elements: more than any screen shows, in case the box grows with its content. */
const ROWS_MAX = 400;
/** What the columns of a row take besides the arrow and the reason, and the word of the family before a reason. */
const COLUMNS_FIXED = 32 + 56 + 92 + 2 * 112 + 5 * 6, CHIP = 78;
const ladder = { rows: [], tops: new Float64Array(1), reason: 40, said: 60, cards: false };
const FAMILIES = [
  ["new", "for the first time"], ["ack", "acknowledgment"], ["timer", "again: a timer ran out"], ["recovery", "again: acknowledgments show it"],
  ["probe", "asks for an answer"], ["window", "the receiver's window"], ["reset", "reset"],
];

function stateCell(state, fresh, side) {
  const cell = make("span", `state ${side}${fresh ? " new" : ""}`, state || "");
  if (fresh && state) cell.style.setProperty("--c", `var(--${STATE_COLOR[state] || "grey"})`);
  return cell;
}

/** The word and colour of a segment's family. */
const chip = (name) => make("span", `chip f-${name}`, name);

/** Breaks words into lines of at most `columns` letters; a longer word is broken too. Words are `[text, class]`. */
function wrapped(words, columns) {
  const lines = [];
  let room = 0;
  for (let [word, cls] of words) {
    if (lines.length && word.length + 1 <= room) { lines[lines.length - 1].push([` ${word}`, cls]); room -= word.length + 1; continue; }
    for (; word.length > columns; word = word.slice(columns)) lines.push([[word.slice(0, columns), cls]]);
    lines.push([[word, cls]]);
    room = columns - word.length;
  }
  return lines;
}

/** What stands in the last column, in lines. */
function linesOf(row) {
  const words = (text, cls) => text.split(" ").filter(Boolean).map((word) => [word, cls]);
  if (row.note) return wrapped(words(`◆ ${row.note.text}`, ""), ladder.said);
  if (row.move) return wrapped(words(row.move.on, ""), ladder.reason);
  const verdicts = row.segment.analysis || [];
  return wrapped([...words(reason(row.segment), ""), ...(verdicts.length ? words(`[${verdicts.join(", ")}]`, "verdict") : [])], ladder.reason);
}

const lineElements = (row) => linesOf(row).map((line) => make("span", "line", null, ...line.map(([text, cls]) => (cls ? make("span", cls, text) : text))));

function rowElement(row, index) {
  const c = view.connection, d = derive(c), element = make("div", row === view.row ? "row picked" : "row");
  element.setAttribute("role", "option");
  element.setAttribute("aria-selected", row === view.row);
  element.dataset.index = index;
  const time = make("span", "num time", seconds(row.at - d.span[0]));
  if (row.segment) {
    const s = row.segment, side = s.from === 0 ? "r" : "l", bad = s.fate === "lost" || s.flags.includes("RST");
    const arrow = make("span", `arrow ${side} ${s.fate || ""} ${bad ? "x" : ""}`, null, make("b", "", label(c, s, view.raw)));
    const why = make("span", `why${s.family ? ` f-${s.family}` : ""}${s.fate === "lost" ? " bad" : ""}`);
    why.append(s.family ? chip(s.family) : make("span", "chip"), make("span", "text", null, ...lineElements(row)));
    element.append(make("span", "num frame", s.frame || ""), time, stateCell(row.states[0], row.fresh[0], "a"), arrow, stateCell(row.states[1], row.fresh[1], "b"), why);
  } else if (row.note) {
    const side = row.note.side === 1 ? "r" : "";
    element.append(make("span", "num frame"), time, make("span", `said ${side} ${row.note.kind || ""}`, null, ...lineElements(row)));
  } else {
    const why = make("span", "why dim", null, make("span", "chip"), make("span", "text", null, ...lineElements(row)));
    element.append(make("span", "num frame"), time, stateCell(row.states[0], row.fresh[0], "a"), make("span", "arrow none"), stateCell(row.states[1], row.fresh[1], "b"), why);
  }
  element.style.height = `${ladder.tops[index + 1] - ladder.tops[index]}px`;
  return element;
}

/** How many letters fit, and with that where each row begins. */
function layOut() {
  const box = $("ladder"), width = Math.max(box.clientWidth, 280), g = $("canvas").getContext("2d");
  g.font = getComputedStyle(box).font;
  const letter = g.measureText("0".repeat(64)).width / 64 || 7.3;
  ladder.cards = matchMedia("(max-width: 900px)").matches;
  const rest = width - COLUMNS_FIXED, arrow = Math.round(Math.min(440, Math.max(290, rest * 0.45)));
  for (const id of ["ladder", "ladder-head"]) $(id).style.setProperty("--arrow", `${arrow}px`);
  const reason = ladder.cards ? width - 24 - CHIP : rest - arrow - CHIP, said = ladder.cards ? width - 24 : arrow + 2 * 112;
  ladder.reason = Math.max(12, Math.floor(reason / letter) - 1);
  ladder.said = Math.max(12, Math.floor(said / letter) - 1);
  const key = `${ladder.cards}:${ladder.reason}:${ladder.said}`, tops = new Float64Array(ladder.rows.length + 1);
  ladder.rows.forEach((row, i) => {
    if (row.key !== key) { row.key = key; row.height = heightOf(row, linesOf(row).length); }
    tops[i + 1] = tops[i] + row.height;
  });
  ladder.tops = tops;
}

function heightOf(row, lines) {
  if (!ladder.cards) return Math.max(ROW, lines * LINE + 9);
  return row.note ? 30 + lines * LINE : CARD + lines * LINE + (row.segment ? 0 : -26);
}

/** The row at this height. */
function rowAt(top) {
  let low = 0, high = ladder.rows.length;
  while (low < high) { const mid = (low + high) >> 1; if (ladder.tops[mid + 1] <= top) low = mid + 1; else high = mid; }
  return low;
}

function drawLadder() {
  const box = $("ladder"), first = Math.max(0, rowAt(box.scrollTop) - 6), end = rowAt(box.scrollTop + box.clientHeight) + 6;
  const last = Math.min(ladder.rows.length, end, first + ROWS_MAX);
  $("ladder-space").style.height = `${ladder.tops[ladder.rows.length]}px`;
  const rows = $("ladder-rows");
  rows.style.transform = `translateY(${ladder.tops[first]}px)`;
  rows.replaceChildren(...ladder.rows.slice(first, last).map((row, i) => rowElement(row, first + i)));
}

/** Applies the filter: every word must be somewhere in the row. */
function filterLadder() {
  const c = view.connection, words = $("segment-filter").value.toLowerCase().split(/\s+/).filter(Boolean), all = derive(c).rows;
  ladder.rows = words.length === 0 ? all : all.filter((row) => {
    const s = row.segment;
    const text = (s ? [label(c, s, view.raw), s.why, s.family, reason(s), ...(s.analysis || []), s.frame, ...row.states] : [row.note ? row.note.text : row.move.on, ...row.states]).join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const left = c.segments_left_out ? `, ${grouped(c.segments_left_out)} more are not in this page` : "";
  $("segment-count").textContent = `${grouped(ladder.rows.length)} of ${grouped(all.length)} rows${left}`;
  layOut();
  drawLadder();
}

/** Scrolls so that a row is in view. */
function reveal(row) {
  let index = ladder.rows.indexOf(row);
  if (index < 0 && $("segment-filter").value) { $("segment-filter").value = ""; filterLadder(); index = ladder.rows.indexOf(row); }
  if (index < 0) return;
  const box = $("ladder");
  if (ladder.tops[index] < box.scrollTop || ladder.tops[index + 1] > box.scrollTop + box.clientHeight) box.scrollTop = ladder.tops[index] - box.clientHeight / 2;
}

function inspect(row) {
  const box = $("inspector"), c = view.connection;
  box.replaceChildren();
  if (!row || !row.segment) { box.append(row ? (row.note ? row.note.text : row.move.on) : "Click a segment in the ladder or in the graph."); return; }
  const s = row.segment, parts = [
    ["frame", s.frame], ["seq", s.offset === null ? s.seq : `${s.offset} (raw ${s.seq})`],
    ["ack", s.ack === undefined ? null : `${s.ackOffset} (raw ${s.ack})`], ["len", s.len], ["window", s.window],
    ["sack", (s.sack || []).map(([l, r]) => `${l}-${r}`).join(" ")], ["AccECN", s.options], ["why", s.why], ["analysis", (s.analysis || []).join(", ")],
    ["arrived", s.arrived === undefined ? null : `${showTime(s.arrived - s.at)} later`],
  ];
  box.append(make("b", "", `${c.ends[s.from].name || c.ends[s.from].address} `), make("b", "", s.flags));
  for (const [name, value] of parts) if (value !== null && value !== undefined && value !== "") box.append(`   ${name} `, make("b", "", value));
}

function listenToLadder() {
  const box = $("ladder");
  box.addEventListener("scroll", drawLadder, { passive: true });
  box.addEventListener("click", (e) => { const row = e.target.closest(".row"); if (row) pick(ladder.rows[row.dataset.index], {}); });
  $("segment-filter").addEventListener("input", () => { box.scrollTop = 0; filterLadder(); });
  $("families").append(...FAMILIES.map(([name, about]) => make("span", "", null, chip(name), ` ${about}`)));
  new ResizeObserver(() => { if (view.connection) { layOut(); drawLadder(); } }).observe(box);
}
