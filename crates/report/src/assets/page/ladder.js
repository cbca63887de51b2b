// The ladder: only the rows in view are elements, so that a hundred thousand segments scroll. A row is as high as its
// reason is long, so that nothing is cut; the height is worked out from the letters, which are all equally wide.
const LINE = 17, ROW = 26, CARD = 54;
/** The most rows that are elements: more than any screen shows, in case the box grows with its content. */
const ROWS_MAX = 400;
/** What the columns of a row take besides the arrow and the reason, and the word of the family before a reason. */
const COLUMNS_FIXED = 32 + 56 + 92 + 2 * 112 + 5 * 6, CHIP = 78;
const ladder = { rows: [], tops: new Float64Array(1), reason: 40, said: 60, cards: false };
const FAMILIES = ["new", "ack", "timer", "recovery", "probe", "window", "reset"];

function stateCell(state, fresh, side) {
  const cell = make("span", `state ${side}${fresh ? " new" : ""}`, state || "");
  if (fresh && state) cell.style.setProperty("--c", `var(--${STATE_COLOR[state] || "grey"})`);
  return cell;
}

/** The word and colour of a segment's family. */
const chip = (name) => make("span", `chip f-${name}`, word(`family-${name}`));

/** Chinese characters and their punctuation, which take two columns. */
const WIDE = /[\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/;
const columnsOf = (text) => { let sum = 0; for (const c of text) sum += WIDE.test(c) ? 2 : 1; return sum; };

/** The pieces of a word between which a line may be broken: around wide characters, but not before a mark that closes. */
function piecesOf(word) {
  const pieces = [];
  let last = "";
  for (const c of word) {
    const together = !last || (!WIDE.test(last) && !WIDE.test(c)) || "（《“([".includes(last) || "，。；：！？、）》”…,.;:!?)]%".includes(c);
    if (together && pieces.length) pieces[pieces.length - 1] += c; else pieces.push(c);
    last = c;
  }
  return pieces;
}

/** Breaks words into lines of at most `columns` columns; a longer word is broken too. Words are `[text, class]`. */
function wrapped(words, columns) {
  const lines = [];
  let room = 0;
  for (const [word, cls] of words) {
    let gap = " ";
    for (let piece of piecesOf(word)) {
      const wide = columnsOf(piece);
      if (lines.length && wide + gap.length <= room) { lines[lines.length - 1].push([gap + piece, cls]); room -= wide + gap.length; gap = ""; continue; }
      for (; columnsOf(piece) > columns; piece = piece.slice(columns)) lines.push([[piece.slice(0, columns), cls]]);
      lines.push([[piece, cls]]);
      room = columns - columnsOf(piece);
      gap = "";
    }
  }
  return lines;
}

/** What stands in the last column, in lines. */
function linesOf(row) {
  const words = (text, cls) => text.split(" ").filter(Boolean).map((word) => [word, cls]);
  if (row.note) return wrapped(words(`◆ ${row.note.text}`, ""), ladder.said);
  if (row.move) return wrapped(words(row.move.on, ""), ladder.reason);
  const verdicts = row.segment.analysis || [];
  return wrapped([...words(reason(row.segment), ""), ...(verdicts.length ? words(`[${verdicts.join(word("comma"))}]`, "verdict") : [])], ladder.reason);
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
    const text = (s ? [label(c, s, view.raw), s.why, s.family, s.family && word(`family-${s.family}`), reason(s), ...(s.analysis || []), s.frame, ...row.states] : [row.note ? row.note.text : row.move.on, ...row.states]).join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const left = c.segments_left_out ? word("more-not-here", grouped(c.segments_left_out)) : "";
  $("segment-count").textContent = word("rows-of", grouped(ladder.rows.length), grouped(all.length)) + left;
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
  if (!row || !row.segment) { box.append(row ? (row.note ? row.note.text : row.move.on) : word("click")); return; }
  const s = row.segment, parts = [
    ["frame", s.frame], ["seq", s.offset === null ? s.seq : word("or-raw", s.offset, s.seq)],
    ["ack", s.ack === undefined ? null : word("or-raw", s.ackOffset, s.ack)], ["len", s.len], ["window", s.window],
    ["sack", (s.sack || []).map(([l, r]) => `${l}-${r}`).join(" ")], ["accecn", s.options], ["why", document.documentElement.lang === "en" ? s.why : s.reason], ["analysis", (s.analysis || []).join(word("comma"))],
    ["arrived", s.arrived === undefined ? null : word("later", showTime(s.arrived - s.at))],
  ];
  box.append(make("b", "", `${c.ends[s.from].name || c.ends[s.from].address} `), make("b", "", s.flags));
  for (const [name, value] of parts) if (value !== null && value !== undefined && value !== "") box.append(`   ${word(`name-${name}`)} `, make("b", "", value));
}

function listenToLadder() {
  const box = $("ladder");
  box.addEventListener("scroll", drawLadder, { passive: true });
  box.addEventListener("click", (e) => { const row = e.target.closest(".row"); if (row) pick(ladder.rows[row.dataset.index], {}); });
  $("segment-filter").addEventListener("input", () => { box.scrollTop = 0; filterLadder(); });
  $("families").append(...FAMILIES.map((name) => make("span", "", null, chip(name), ` ${word(`family-about-${name}`)}`)));
  new ResizeObserver(() => { if (view.connection) { layOut(); drawLadder(); } }).observe(box);
}
