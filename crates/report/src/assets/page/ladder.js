// The ladder: only the rows in view are elements, so that a hundred thousand segments scroll.
const ROW = 26;
/** The most rows that are elements: more than any screen shows, in case the box grows with its content. */
const ROWS_MAX = 400;
const ladder = { rows: [] };

function stateCell(state, fresh) {
  const cell = make("span", fresh ? "state new" : "state", state || "");
  if (fresh && state) cell.style.setProperty("--c", `var(--${STATE_COLOR[state] || "grey"})`);
  return cell;
}

function rowElement(row, index) {
  const c = view.connection, d = derive(c), element = make("div", row === view.row ? "row picked" : "row");
  element.setAttribute("role", "option");
  element.setAttribute("aria-selected", row === view.row);
  element.dataset.index = index;
  const time = make("span", "num", seconds(row.at - d.span[0]));
  if (row.segment) {
    const s = row.segment, side = s.from === 0 ? "r" : "l", bad = s.fate === "lost" || s.flags.includes("RST");
    const arrow = make("span", `arrow ${side} ${s.fate || ""} ${bad ? "x" : ""}`, null, make("b", "", label(c, s, view.raw)));
    const why = make("span", "why");
    if (s.again || s.fate === "lost") why.classList.add(s.fate === "lost" ? "bad" : "note");
    why.append(reason(s));
    if (s.analysis && s.analysis.length) why.append(" ", make("span", "verdict", `[${s.analysis.join(", ")}]`));
    why.title = why.textContent;
    element.append(make("span", "num", s.frame || ""), time, stateCell(row.states[0], row.fresh[0]), arrow, stateCell(row.states[1], row.fresh[1]), why);
  } else if (row.note) {
    const side = row.note.side === 1 ? "r" : "";
    element.append(make("span", "num"), time, make("span", `said ${side} ${row.note.kind || ""}`, `◆ ${row.note.text}`));
  } else {
    element.append(make("span", "num"), time, stateCell(row.states[0], row.fresh[0]), make("span"), stateCell(row.states[1], row.fresh[1]), make("span", "why dim", row.move.on));
  }
  return element;
}

function drawLadder() {
  const box = $("ladder"), first = Math.max(0, Math.floor(box.scrollTop / ROW) - 6);
  const last = Math.min(ladder.rows.length, first + Math.min(ROWS_MAX, Math.ceil(box.clientHeight / ROW) + 12));
  $("ladder-space").style.height = `${ladder.rows.length * ROW}px`;
  const rows = $("ladder-rows");
  rows.style.transform = `translateY(${first * ROW}px)`;
  rows.replaceChildren(...ladder.rows.slice(first, last).map((row, i) => rowElement(row, first + i)));
}

/** Applies the filter: every word must be somewhere in the row. */
function filterLadder() {
  const c = view.connection, words = $("segment-filter").value.toLowerCase().split(/\s+/).filter(Boolean), all = derive(c).rows;
  ladder.rows = words.length === 0 ? all : all.filter((row) => {
    const s = row.segment;
    const text = (s ? [label(c, s, view.raw), s.why, reason(s), ...(s.analysis || []), s.frame, ...row.states] : [row.note ? row.note.text : row.move.on, ...row.states]).join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const left = c.segments_left_out ? `, ${grouped(c.segments_left_out)} more are not in this page` : "";
  $("segment-count").textContent = `${grouped(ladder.rows.length)} of ${grouped(all.length)} rows${left}`;
  drawLadder();
}

/** Scrolls so that a row is in view. */
function reveal(row) {
  let index = ladder.rows.indexOf(row);
  if (index < 0 && $("segment-filter").value) { $("segment-filter").value = ""; filterLadder(); index = ladder.rows.indexOf(row); }
  if (index < 0) return;
  const box = $("ladder"), top = index * ROW;
  if (top < box.scrollTop || top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top - box.clientHeight / 2;
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
  new ResizeObserver(drawLadder).observe(box);
}
