// The wire: time runs downwards, each segment is a line from its sender to its receiver, and what is under way stands
// where it is at this time. Spans without anything are drawn shorter than they are.
/** The wire shows so many segments, the youngest; the ladder below has all. */
const SHOWN_MAX = 70;
const WIRE = { height: 300, top: 14, slot: 15 };
/** The columns that report's `wrapped` counts for a Chinese character. */
const WIDE_COLUMNS = wrapped([["中文", ""]], 2).length;
const wire = { points: [], lines: [], width: 0, measuredIn: null };

/** Everything on the wire: what the ladder shows, and what is under way. */
function segmentsOnWire() {
  const flights = new Map(lab.view.flights.filter((f) => f.frame !== null && f.frame !== undefined).map((f) => [f.frame, f]));
  const { segments } = lab.view.connection, first = Math.max(0, segments.length - SHOWN_MAX);
  const list = segments.slice(first).map((s, i) => {
    const frame = (lab.view.frames || [])[first + i] === undefined ? null : lab.view.frames[first + i], flight = frame === null ? undefined : flights.get(frame);
    if (flight) flights.delete(frame);
    const isStray = s.fate === "stray", arrives = s.arrived !== undefined ? s.arrived : flight && flight.arrives !== null ? flight.arrives : null;
    return { key: frame === null ? segmentKey(s) : `f${frame}`, frame, from: s.from, sent: isStray && s.arrived !== undefined ? s.arrived - strayTime() : s.at, arrives: isStray ? s.at : arrives, isLost: s.fate === "lost" || Boolean(flight && flight.arrives === null), isStray, segment: s };
  });
  for (const f of [...flights.values(), ...lab.view.flights.filter((f) => f.frame === null || f.frame === undefined)]) {
    list.push({ key: `f${f.frame}`, frame: f.frame, from: f.from, sent: f.sent, arrives: f.arrives, isLost: f.arrives === null, isStray: f.frame === null, segment: f });
  }
  return list;
}
const wireDelay = () => ((setupNow().wire || {}).delay_ms === undefined ? 20 : setupNow().wire.delay_ms) / 1000;
const strayTime = () => wireDelay() / 2;

/** When a segment is no longer on the wire. A lost one is seen for as long as it would have travelled. */
const overAt = (s) => (s.arrives !== null ? s.arrives : s.isLost ? s.sent + wireDelay() : Infinity);

/** Lays the times that matter below each other; two of one side at one time get a place each. */
function layTime(list) {
  const points = [];
  for (const s of list) {
    points.push({ at: s.sent, rank: 1, side: s.from, of: s, end: "sentY" });
    const over = overAt(s);
    if (over !== Infinity) points.push({ at: over, rank: 0, side: s.isLost ? -1 : 1 - s.from, of: s, end: "overY" });
  }
  const begin = points.reduce((least, p) => Math.min(least, p.at), Infinity);
  wire.begin = list.length < SHOWN_MAX ? 0 : begin;
  for (const note of [...(lab.view.connection.notes || []), ...(lab.view.connection.moves || [])]) if (note.at >= wire.begin) points.push({ at: note.at, rank: 2, side: -1 });
  points.push({ at: lab.view.time, rank: 2, side: -1 });
  if (lab.view.next !== null && lab.view.next !== undefined) points.push({ at: lab.view.next, rank: 3, side: -1 });
  points.sort((a, b) => a.at - b.at || a.rank - b.rank);
  let y = WIRE.top, last = null;
  const used = new Map();
  for (const p of points) {
    if (last !== null && p.at > last.at) { y += spanHeight(p.at - last.at); used.clear(); }
    const place = `${p.side} ${p.rank}`;
    if (p.side >= 0 && used.has(place)) y = Math.max(y, used.get(place) + WIRE.slot);
    if (p.side >= 0) used.set(place, y);
    p.y = y;
    if (p.of) p.of[p.end] = p.y;
    last = p;
  }
  wire.points = points;
}

/** How high a span of time is drawn: a journey fills the hand, an hour no more than that. */
function spanHeight(span) {
  const journeys = span / Math.max(wireDelay(), 0.002);
  return journeys >= 1 ? Math.min(96, 58 + 12 * Math.log2(journeys)) : 12 + 46 * journeys;
}

/** Where a time is. */
function wireY(at) {
  const points = wire.points, i = firstAt(points, at + 1e-12, (p) => p.at);
  if (i === 0) return WIRE.top;
  const a = points[i - 1], b = points[i];
  return b && b.at > a.at ? a.y + ((b.y - a.y) * (at - a.at)) / (b.at - a.at) : a.y;
}

/** Where a segment under way is: at the line of now, as far below it as its own places are below the others of its time. */
function yOnTheWay(s, time, part) {
  const first = wire.points[firstAt(wire.points, overAt(s) - 1e-12, (p) => p.at)];
  const begin = s.sentY - wireY(s.sent), end = s.overY === undefined || !first ? begin : s.overY - first.y;
  return Math.max(s.sentY, wireY(time) + begin * (1 - part) + end * part);
}

/** How wide the wire is: measured once for each width of the window, because to measure is to lay out all that was just changed. */
function wireWidth() {
  const measured = wire.measuredIn === window.innerWidth ? wire.width : $("wire-box").clientWidth;
  if (measured) Object.assign(wire, { width: measured, measuredIn: window.innerWidth });
  return measured || 420;
}

/** Draws what does not move, when an event has happened. */
function drawWire() {
  const root = $("wire-svg"), width = wireWidth(), margin = Math.min(124, Math.max(94, width * 0.26));
  const list = segmentsOnWire();
  layTime(list);
  const left = margin, right = width - margin, bottom = wireY(lab.view.next === null || lab.view.next === undefined ? lab.view.time : lab.view.next) + 34;
  Object.assign(wire, { list, left, right });
  const fixed = svg("g", {}), still = svg("g"), lines = svg("g", { id: "wire-lines" }), moving = svg("g", { id: "wire-moving" }), now = svg("g", { id: "wire-now" });
  for (const side of [0, 1]) {
    const x = side === 0 ? left : right;
    fixed.append(svg("line", { class: "lifeline", x1: x, x2: x, y1: 0, y2: bottom }));
  }
  const over = segmentElements(list.filter((s) => overAt(s) <= lab.view.time), lab.view.time);
  fixed.append(...over.lines);
  still.append(...over.labels);
  fixed.append(...pauses(), ...marginTexts());
  root.setAttribute("viewBox", `0 0 ${width} ${Math.max(WIRE.height, bottom)}`);
  Object.assign(root.style, { width: `${width}px`, height: `${Math.max(WIRE.height, bottom)}px` });
  const focused = document.activeElement && root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  // All lines lie below all labels.
  root.replaceChildren(fixed, now, lines, still, moving);
  $("wire-head").setAttribute("viewBox", `0 0 ${width} 34`);
  $("wire-head").replaceChildren(...wireHead());
  root.setAttribute("aria-label", phrase("wire"));
  drawMoving();
  if (focused) { const again = [...root.querySelectorAll("[data-key]")].find((e) => e.dataset.key === focused); if (again) again.focus({ preventScroll: true }); }
  const box = $("wire-box"), y = wireY(lab.clock);
  if (y < box.scrollTop + 60 || y > box.scrollTop + box.clientHeight - 90) box.scrollTop = Math.max(0, y - box.clientHeight * 0.6);
}

/** The names and states of both ends, above the wire; the hosts say the same to those who do not see. */
function wireHead() {
  return [0, 1].flatMap((side) => {
    const x = side === 0 ? wire.left : wire.right, state = stateOf(side);
    return [svg("text", { x, y: 13, "text-anchor": "middle", class: `side-${side} name` }, hostName(side)),
      svg("text", { x, y: 28, "text-anchor": "middle", class: "end-state", style: `--c: var(--${STATE_COLOR[state] || "grey"})` }, state)];
  });
}

/** How long the spans are that are drawn much shorter than they are. */
function pauses() {
  return wire.points.slice(1).flatMap((p, i) => {
    const before = wire.points[i], span = p.at - before.at, long = Math.max(wireDelay(), 0.002) * 2.2;
    return span < long ? [] : [svg("text", { class: "pause", x: (wire.left + wire.right) / 2, y: (p.y + before.y) / 2 + 4, "text-anchor": "middle" }, `⋮ ${timeText(span)} ⋮`)];
  });
}

/** Calls and states at the ends, where they happened; a text that would lie on another one moves down. */
function marginTexts() {
  const c = lab.view.connection, items = [];
  for (const n of c.notes || []) items.push({ at: n.at, side: n.side, text: n.text, cls: `note-${n.kind}` });
  const states = [...(c.first_states || [])];
  for (const m of c.moves || []) {
    items.push({ at: m.at, side: m.side, text: m.to, cls: "note-state", color: STATE_COLOR[m.to], rank: isAskedFor(states[m.side], m.to) ? 1 : -1 });
    states[m.side] = m.to;
  }
  // What arrived moves a state before the program goes on, and what the program calls moves it afterwards.
  items.sort((a, b) => a.at - b.at || (a.rank || 0) - (b.rank || 0));
  while (items.length && items[0].at < wire.begin) items.shift();
  const free = [0, 0];
  return items.flatMap(({ at, side, text, cls, color }) => {
    const isWide = /[\u2e80-\uffef]/.test(text), letter = isWide ? Math.max(6.75, 11.2 / WIDE_COLUMNS) : cls === "note-state" ? 6.1 : 6.75, columns = Math.floor((wire.left - 12) / letter);
    const lines = wrapped(text.replace(/(: |：).*/, "").split(" ").map((w) => [w, ""]), Math.max(6, columns)).map((line) => line.map(([t]) => t).join(""));
    let y = Math.max(wireY(at) + 4, free[side]);
    return lines.map((line) => {
      const t = svg("text", { x: side === 0 ? wire.left - 8 : wire.right + 8, y, "text-anchor": side === 0 ? "end" : "start", class: cls }, line);
      if (color) t.setAttribute("style", `--c: var(--${color})`);
      t.append(svg("title", {}, text));
      y += 12.5;
      free[side] = y;
      return t;
    });
  });
}

/** Whether there is room for a box beside those that are taken; if there is, it is taken. Boxes of a burst may touch. */
function takeRoom(box, taken) {
  const isFree = taken.every(([l, t, r, b]) => box[2] <= l || box[0] >= r || box[3] <= t + 2 || box[1] >= b - 2);
  if (isFree) taken.push(box);
  return isFree;
}

/** A segment as it is at this time: its line so far, and its label. Where there is no room for it, the label shows when it is wanted. */
function segmentElement(s, time, taken) {
  const isOver = time >= overAt(s), travel = (s.arrives !== null ? s.arrives : s.sent + wireDelay()) - s.sent;
  const far = s.isLost ? 0.62 : 1, part = Math.max(0, Math.min(far, travel > 0 ? (time - s.sent) / travel : 1));
  const [x0, x1] = s.from === 0 ? [wire.left, wire.right] : [wire.right, wire.left], y0 = s.sentY;
  const x = x0 + (x1 - x0) * part, y = isOver ? y0 + (s.overY - y0) * far : yOnTheWay(s, time, part);
  const whole = segmentLabel(s.segment), text = whole.length * 6.05 + 14 > wire.right - wire.left ? whole.replace(/ Ack=-?\d+/, "") : whole;
  const wide = text.length * 6.05 + 12, [tx, ty] = tagPlace(s, isOver, [x0, y0], [x, y], x1, wide);
  const looks = [`to-${1 - s.from}`, s.isLost && "lost", s.isStray && "stray", isOver ? "over" : "way", s.segment.again && "again"].filter(Boolean).join(" ");
  const hasRoom = takeRoom([tx - wide / 2, ty - 8, tx + wide / 2, ty + 8], taken);
  const label = svg("g", { class: `seg ${looks}${hasRoom ? "" : " crowded"}${lab.picked === s.key ? " picked" : ""}`, role: "button", tabindex: 0, "data-key": s.key, "aria-haspopup": "dialog", "aria-label": segmentName(s, isOver, whole) },
    svg("rect", { class: "tag", x: tx - wide / 2, y: ty - 8, width: wide, height: 16, rx: 8 }), svg("text", { class: "tag-text", x: tx, y: ty + 3.8, "text-anchor": "middle" }, text));
  const line = lineElement(s, looks, [x0, y0], [x, y], s.isLost && part >= far);
  label.onclick = line.onclick = (e) => openSegment(s, e);
  line.onpointerenter = () => label.classList.add("shown");
  line.onpointerleave = () => label.classList.remove("shown");
  label.onfocus = () => { lab.picked = s.key; };
  label.onkeydown = (e) => {
    if (e.key === "Enter") { e.preventDefault(); openSegment(s); }
    if (e.key === "d" || e.key === "Delete") { e.preventDefault(); e.stopPropagation(); drop(s); }
  };
  return { line, label };
}

function segmentName(s, isOver, segment) {
  const key = s.isLost && isOver ? "segment.lost" : isOver ? "segment.arrived" : s.isStray ? "segment.stray" : "segment.way";
  return phrase(key, { host: hostName(s.from), segment });
}

/** The line of a segment, from its sender to where it is, with its head or the cross where it was lost. */
function lineElement(s, looks, [x0, y0], [x, y], isGone) {
  // One that nobody sent comes from somewhere on the way.
  const share = s.isStray ? 0.4 : 0, ends = { x1: x0 + (x - x0) * share, y1: y0 + (y - y0) * share, x2: x, y2: y };
  const angle = x === x0 ? (s.from === 0 ? 0 : 180) : (Math.atan2(y - y0, x - x0) * 180) / Math.PI;
  const end = isGone ? svg("text", { class: "cross", x, y: y + 5, "text-anchor": "middle" }, "✗") : svg("path", { class: "tip", d: "M0 0L-9 -4.5L-9 4.5Z", transform: `translate(${x} ${y}) rotate(${angle})` });
  if (!isGone && Math.hypot(x - x0, y - y0) < 9) end.setAttribute("visibility", "hidden");
  return svg("g", { class: `line-of ${looks}`, "aria-hidden": true }, svg("line", { class: "hit", ...ends }), svg("line", { class: "track", ...ends }), end);
}

/** The middle of a label: that of the line when it is over, else where the segment is. */
function tagPlace(s, isOver, [x0, y0], [x, y], x1, letters) {
  if (isOver) return [s.isLost ? (x0 + x) / 2 : (x0 + x1) / 2, (y0 + y) / 2];
  return [Math.max(wire.left + letters / 2 + 2, Math.min(wire.right - letters / 2 - 2, x)), y];
}

/** The lines and the labels of segments; the youngest take their room first. */
function segmentElements(list, time) {
  const taken = [], drawn = [...list].reverse().map((s) => segmentElement(s, time, taken)).reverse();
  return { lines: drawn.map(({ line }) => line), labels: drawn.map(({ label }) => label) };
}

/** Draws what moves: the line of now, and what is under way. */
function drawMoving() {
  const moving = $("wire-moving"), time = lab.clock, y = wireY(time);
  if (!moving) return;
  $("wire-now").replaceChildren(svg("line", { class: "now", x1: wire.left - 6, x2: wire.right + 6, y1: y, y2: y }));
  const focused = moving.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const way = segmentElements(wire.list.filter((s) => overAt(s) > lab.view.time && s.sent <= time), time);
  $("wire-lines").replaceChildren(...way.lines);
  moving.replaceChildren(...way.labels);
  if (focused) { const again = [...moving.children].find((e) => e.dataset.key === focused); if (again) again.focus({ preventScroll: true }); }
  $("clock").textContent = phrase("clock", { time: time.toFixed(6), at: lab.view.at, events: lab.view.events });
  drawTimers();
}
