// The graphs over one axis of time: lanes, time-sequence, bytes in flight, round-trip time, throughput.
const graphs = { span: [0, 1], hits: [], drag: null, hover: null };
const MARGIN = { left: 112, right: 14 };
// `share` is the part of the height that is left after the fixed ones.
const PANES = [{ id: "lanes", height: 62 }, { id: "limits", height: 74 }, { id: "sequence", share: 0.46 }, { id: "flight", share: 0.18 }, { id: "rtt", share: 0.18 }, { id: "rate", share: 0.18 }];
const AXIS = 24, GAP = 14;

/** The heights of the panes; in a low window they leave room for the ladder. */
function layout() {
  const free = Math.min(560, Math.max(290, window.innerHeight * 0.5 - 100)) - GAP * PANES.length;
  for (const pane of PANES) if (pane.share) pane.height = Math.round(free * pane.share);
  return PANES.reduce((sum, p) => sum + p.height + GAP, 0) + AXIS;
}
const BINS = 150;

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
let palette = {};
function readPalette() {
  for (const name of ["paper", "soft", "ink", "dim", "rule", "right", "left", "good", "bad", "note", "grey", "closed", "opening", "open", "active", "passive", "wait"]) palette[name] = css(name);
}

/** Round numbers between two values. */
function ticks(from, to, count, table) {
  const scale = (table.find(([s]) => Math.max(Math.abs(from), Math.abs(to)) >= s) || table[table.length - 1])[0];
  const rough = Math.max((to - from) / scale / count, 1e-12), power = 10 ** Math.floor(Math.log10(rough));
  const steps = [0.5, 1, 2, 5, 10], list = [];
  let at = steps.findIndex((s) => s >= 1 && s * power >= rough * 0.999), step = 0;
  // A single number does not show the scale.
  for (; list.length < 2 && at >= 0; at--) {
    step = steps[at] * power * scale;
    list.length = 0;
    for (let i = Math.ceil(from / step - 1e-9); i * step <= to * (1 + 1e-12) && list.length < 20; i++) list.push(i * step);
  }
  const places = Math.min(9, Math.max(0, -Math.floor(Math.log10(step / scale) + 1e-9)));
  return { list, text: (v) => (v / scale).toFixed(places), prefix: table.find(([s]) => s === scale)[1] };
}

function drawGraphs() {
  const c = view.connection;
  if (!c || $("one").hidden) return;
  const d = derive(c), canvas = $("canvas"), ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = layout();
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.fillStyle = palette.paper;
  g.fillRect(0, 0, width, height);
  g.font = '11px system-ui, "DejaVu Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
  g.lineWidth = 1.4;
  const [t0, t1] = graphs.span, inner = width - MARGIN.left - MARGIN.right;
  const x = (t) => MARGIN.left + ((t - t0) / (t1 - t0)) * inner;
  graphs.time = (px) => t0 + ((px - MARGIN.left) / inner) * (t1 - t0);
  graphs.x = x;
  graphs.hits = [];
  const painters = { lanes: paintLanes, limits: paintLimits, sequence: paintSequence, flight: paintFlight, rtt: paintRtt, rate: paintRate };
  let top = 6;
  for (const pane of PANES) {
    pane.top = top;
    const box = { left: MARGIN.left, right: width - MARGIN.right, top, bottom: top + pane.height };
    g.save();
    painters[pane.id](g, c, d, box, x);
    g.restore();
    top += pane.height + GAP;
  }
  const axis = ticks(t0 - d.span[0], t1 - d.span[0], Math.max(3, inner / 110), MILLI);
  g.fillStyle = palette.dim;
  g.textAlign = "center";
  for (const v of axis.list) {
    g.fillRect(x(v + d.span[0]), top - GAP, 1, 4);
    g.fillText(`${axis.text(v)}`, x(v + d.span[0]), top + 4);
  }
  g.textAlign = "left";
  g.fillText(`${axis.prefix}s`, 8, top + 4);
  cursor(g, height, x);
  $("range").textContent = `${showTime(Math.max(0, t0 - d.span[0]))} – ${showTime(Math.min(d.span[1], t1) - d.span[0])}`;
}

function cursor(g, height, x) {
  const picked = view.row && view.row.at;
  if (picked !== null && picked !== undefined && picked >= graphs.span[0] && picked <= graphs.span[1]) {
    g.fillStyle = palette.right;
    g.globalAlpha = 0.75;
    g.fillRect(x(picked) - 0.75, 0, 1.5, height - AXIS);
  }
  g.globalAlpha = 1;
  if (graphs.hover !== null) { g.fillStyle = palette.dim; g.fillRect(graphs.hover, 0, 0.6, height - AXIS); }
  if (graphs.drag && Math.abs(graphs.drag.to - graphs.drag.from) > 3) {
    g.fillStyle = palette.right;
    g.globalAlpha = 0.15;
    g.fillRect(Math.min(graphs.drag.from, graphs.drag.to), 0, Math.abs(graphs.drag.to - graphs.drag.from), height - AXIS);
    g.globalAlpha = 1;
  }
}

/** Frame, grid and scale of a pane; returns y and leaves the clip set to the pane. */
function plane(g, box, name, from, to, table, unit) {
  const y = (v) => box.bottom - ((v - from) / (to - from)) * (box.bottom - box.top);
  const marks = ticks(from, to, Math.max(2, (box.bottom - box.top) / 24), table);
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const v of marks.list) {
    g.fillStyle = palette.rule;
    g.fillRect(box.left, Math.round(y(v)), box.right - box.left, 1);
    g.fillStyle = palette.dim;
    g.fillText(marks.text(v), box.left - 6, y(v));
  }
  g.textAlign = "left";
  g.fillStyle = palette.ink;
  g.fillText(name, 8, box.top + 4);
  g.fillStyle = palette.dim;
  g.fillText(`${marks.prefix}${unit}`, 8, box.top + 18);
  g.beginPath();
  g.rect(box.left, box.top - 4, box.right - box.left, box.bottom - box.top + 8);
  g.clip();
  return y;
}

/** A step line of `[time, value]` over the visible span; of many values on one pixel only the extremes are drawn. */
function steps(g, list, x, y, color, last) {
  const from = Math.max(0, firstAt(list, graphs.span[0]) - 1), to = Math.min(list.length, firstAt(list, graphs.span[1]) + 1);
  if (from >= to) return;
  g.strokeStyle = color;
  g.beginPath();
  let px = x(list[from][0]), py = y(list[from][1]);
  g.moveTo(px, py);
  let column = Math.floor(px), low = py, high = py;
  for (let i = from + 1; i < to; i++) {
    const nx = x(list[i][0]), ny = y(list[i][1]);
    if (Math.floor(nx) === column) { low = Math.max(low, ny); high = Math.min(high, ny); py = ny; continue; }
    if (low !== high) { g.lineTo(column, low); g.lineTo(column, high); }
    g.lineTo(column + 0.5, py); g.lineTo(nx, py); g.lineTo(nx, ny);
    column = Math.floor(nx); low = high = ny; py = ny;
  }
  if (low !== high) { g.lineTo(column, low); g.lineTo(column, high); g.lineTo(column, py); }
  if (last !== undefined) g.lineTo(x(last), py);
  g.stroke();
}

function paintLanes(g, c, d, box, x) {
  g.textBaseline = "middle";
  const height = 22;
  d.lanes.forEach((spans, side) => {
    const top = box.top + side * (height + 12);
    g.fillStyle = side === 0 ? palette.right : palette.left;
    g.textAlign = "left";
    g.fillText(short(c.ends[side].name || c.ends[side].address, 15), 8, top + height / 2);
    g.save();
    g.beginPath();
    g.rect(box.left, top - 8, box.right - box.left, height + 10);
    g.clip();
    // Short states are drawn last and never thinner than two pixels, so that none is hidden.
    for (const s of [...spans].sort((a, b) => b.to - b.from - (a.to - a.from))) {
      const left = x(s.from), right = Math.max(x(s.to), left + 2);
      if (right < box.left || left > box.right) continue;
      g.fillStyle = palette[STATE_COLOR[s.state]] || palette.grey;
      g.fillRect(left, top, right - left, height);
      graphs.hits.push({ left, right, top, bottom: top + height, span: s, side });
    }
    g.fillStyle = "#fff";
    for (const s of spans) {
      const left = Math.max(x(s.from), box.left), right = Math.min(x(s.to), box.right);
      if (right - left > g.measureText(s.state).width + 8) { g.textAlign = "center"; g.fillText(s.state, (left + right) / 2, top + height / 2 + 0.5); }
    }
    for (const n of (c.notes || []).filter((n) => n.side === side)) {
      const at = x(n.at);
      g.fillStyle = palette.ink;
      g.beginPath(); g.moveTo(at - 4, top - 7); g.lineTo(at + 4, top - 7); g.lineTo(at, top); g.fill();
      graphs.hits.push({ left: at - 5, right: at + 5, top: top - 8, bottom: top, text: `${seconds(n.at - d.span[0])}  ${n.text}` });
    }
    g.restore();
  });
}

/** Told apart by height as well as by colour: the application, the network, the receiver, the sender itself. */
const LIMIT_LOOKS = [["wait", 7], ["active", 13], ["passive", 19], ["note", 16]];
const EVENT_LOOKS = { "timeout": ["T", "bad"], "zero-window": ["0", "note"], "reset": ["R", "bad"], "icmp": ["I", "left"] };

/** What each sender waited for along the axis of time, and above it what stands out. */
function paintLimits(g, c, d, box, x) {
  const height = 19;
  g.textBaseline = "middle";
  for (const side of [0, 1]) {
    const top = box.top + 13 + side * (height + 17), bottom = top + height, spans = (c.limits || [])[side] || [];
    g.textAlign = "left";
    g.fillStyle = side === 0 ? palette.right : palette.left;
    g.fillText(`${side === 0 ? "→" : "←"} ${word("waited-for")}`, 8, top + 2);
    g.fillStyle = palette.dim;
    g.fillText(limitedBy((c.limited || [])[side]) || word("nothing"), 8, top + 15);
    g.save();
    g.beginPath();
    g.rect(box.left, top - 14, box.right - box.left, height + 15);
    g.clip();
    g.fillStyle = palette.rule;
    g.fillRect(box.left, bottom, box.right - box.left, 1);
    for (const s of spans) {
      const by = s.waited.indexOf(Math.max(...s.waited)), [color, tall] = LIMIT_LOOKS[by];
      const left = x(s.from), right = Math.max(x(s.to), left + 1);
      if (right < box.left || left > box.right) continue;
      g.fillStyle = palette[color];
      g.fillRect(left, bottom - tall, right - left, tall);
      const all = s.to - s.from, shares = LIMITS.map((name, i) => [name, s.waited[i]]).filter(([, t]) => t > 0).map(([name, t]) => `${name} ${showTime(t)} (${Math.round((t / all) * 100)} %)`);
      graphs.hits.push({ left, right, top, bottom, text: `${word("end-waited-for", nameOf(c.ends[side]))}
${shares.join("\n")}
${word("from-to", seconds(s.from - d.span[0]), seconds(s.to - d.span[0]))}` });
      const from = Math.max(left, box.left), to = Math.min(right, box.right);
      if (tall > 12 && to - from > g.measureText(LIMITS[by]).width + 8) { g.fillStyle = palette.paper; g.textAlign = "center"; g.fillText(LIMITS[by], (from + to) / 2, bottom - tall / 2 + 0.5); }
    }
    for (const e of (c.events || []).filter((e) => e.side === side)) {
      const [letter, color] = EVENT_LOOKS[e.kind] || ["•", "ink"], at = x(e.at);
      g.fillStyle = palette[color];
      if (e.until !== undefined) g.fillRect(at, top - 4, Math.max(1, x(e.until) - at), 3);
      g.textAlign = "center";
      g.fillText(letter, at, top - 8);
      g.fillRect(at - 0.5, top - 2, 1, height + 2);
      const lasted = e.until === undefined ? "" : word("lasted", showTime(e.until - e.at));
      // Hits of events come first: they are small, and lie over the spans.
      graphs.hits.unshift({ left: at - 5, right: at + 5, top: top - 14, bottom: top, frame: e.frame, text: `${seconds(e.at - d.span[0])}  ${nameOf(c.ends[side])}
${e.text}${lasted}${word("in-frame", e.frame)}` });
    }
    g.restore();
  }
}

/** At most `length` letters; the port of an address is kept, because it distinguishes connections. */
function short(text, length) {
  if (text.length <= length) return text;
  const port = (text.match(/:\d{1,5}$/) || [""])[0];
  return `${text.slice(0, length - 1 - port.length)}…${port}`;
}

function paintSequence(g, c, d, box, x) {
  const way = d.directions[view.direction], [t0, t1] = graphs.span;
  const from = firstAt(way.sent, t0, (s) => s.at), to = firstAt(way.sent, t1, (s) => s.at);
  let low = Infinity, high = -Infinity;
  for (let i = from; i < to; i++) { low = Math.min(low, way.sent[i].offset); high = Math.max(high, way.sent[i].end); }
  const a0 = Math.max(0, firstAt(way.acks, t0) - 1), a1 = firstAt(way.acks, t1);
  for (let i = a0; i < a1; i++) { low = Math.min(low, way.acks[i][1]); high = Math.max(high, way.acks[i][1]); }
  if (low > high) { low = 0; high = way.top; }
  const room = Math.max((high - low) * 0.06, 4);
  let windowTop = -Infinity;
  for (let i = a0; i < a1; i++) windowTop = Math.max(windowTop, way.window[i][1]);
  const top = windowTop <= high + (high - low) * 1.2 ? Math.max(high, windowTop) : high;
  const y = plane(g, box, word("pane-sequence"), Math.max(0, low - room), top + room, KIBI, "B");
  steps(g, way.window, x, y, palette.grey, t1);
  steps(g, way.acks, x, y, palette.good, t1);
  g.fillStyle = palette.left;
  g.globalAlpha = 0.55;
  for (const [at, left, right] of way.sacks.slice(firstAt(way.sacks, t0), firstAt(way.sacks, t1))) g.fillRect(x(at) - 1, y(right), 2.5, Math.max(2, y(left) - y(right)));
  g.globalAlpha = 1;
  const drawn = new Set();
  for (let i = from; i < to; i++) {
    const s = way.sent[i], px = x(s.at), upper = y(s.end), lower = y(s.offset);
    // Many points on one pixel look like one.
    const key = `${Math.round(px)}:${Math.round(upper)}:${s.again ? 1 : 0}${s.fate || ""}`;
    if (drawn.has(key)) continue;
    drawn.add(key);
    g.fillStyle = s.fate === "lost" ? palette.bad : s.again ? palette.note : palette.right;
    g.fillRect(px - 1, Math.min(upper, lower - 3), 2.2, Math.max(3, lower - upper));
    if (/SYN|FIN/.test(s.flags)) { g.beginPath(); g.arc(px, upper, 4, 0, 7); g.fill(); }
    if (s.fate === "lost") { g.strokeStyle = palette.bad; g.beginPath(); g.moveTo(px - 4, upper - 4); g.lineTo(px + 4, upper + 4); g.moveTo(px + 4, upper - 4); g.lineTo(px - 4, upper + 4); g.stroke(); }
  }
  graphs.sequenceY = y;
}

function visible(list) {
  return list.slice(Math.max(0, firstAt(list, graphs.span[0]) - 1), firstAt(list, graphs.span[1]) + 1);
}
const highest = (list, field) => list.reduce((most, row) => Math.max(most, row[field]), 0);

function paintFlight(g, c, d, box, x) {
  const way = d.directions[view.direction], cwnd = (c.cwnd && c.cwnd[view.direction]) || [];
  const most = Math.max(highest(visible(way.flight), 1), highest(visible(cwnd), 1), 1);
  const window = way.window.map(([at, , size]) => [at, size]);
  const open = highest(visible(window), 1);
  const y = plane(g, box, word("pane-flight"), 0, open <= most * 4 ? Math.max(open, most) * 1.05 : most * 1.1, KIBI, "B");
  steps(g, window, x, y, palette.grey, graphs.span[1]);
  steps(g, cwnd, x, y, palette.active, graphs.span[1]);
  steps(g, way.flight, x, y, palette.right, graphs.span[1]);
}

function paintRtt(g, c, d, box, x) {
  const list = d.directions[view.direction].rtt;
  const shown = visible(list), y = plane(g, box, word("pane-rtt"), 0, (highest(shown, 1) || 1e-3) * 1.1, MILLI, "s");
  g.fillStyle = palette.right;
  const drawn = new Set();
  for (const [at, rtt] of shown) {
    const px = x(at), py = y(rtt), key = Math.round(px) * 4096 + Math.round(py);
    if (drawn.has(key)) continue;
    drawn.add(key);
    g.beginPath(); g.arc(px, py, 2, 0, 7); g.fill();
  }
}

function paintRate(g, c, d, box, x) {
  const [t0, t1] = graphs.span, bin = (t1 - t0) / BINS;
  const bins = [0, 1].map((side) => {
    const list = d.directions[side].sent, sums = new Float64Array(BINS);
    for (let i = firstAt(list, t0, (s) => s.at); i < list.length && list[i].at <= t1; i++) sums[Math.min(BINS - 1, Math.floor((list[i].at - t0) / bin))] += list[i].len * 8;
    return sums.map((bits) => bits / bin);
  });
  const most = Math.max(...bins[0], ...bins[1], 1);
  const y = plane(g, box, word("pane-rate"), 0, most * 1.08, KILO, "bit/s");
  [palette.right, palette.left].forEach((color, side) => {
    steps(g, Array.from(bins[side], (rate, i) => [t0 + i * bin, rate]), x, y, color, t1);
  });
}

/** Sets the visible span, within the connection and not below a microsecond. */
function zoomTo(from, to) {
  const span = derive(view.connection).span, least = Math.max(1e-6, (span[1] - span[0]) * 1e-7);
  const pad = (span[1] - span[0]) * 0.01, first = span[0] - pad, last = span[1] + pad;
  let width = Math.min(Math.max(to - from, least), last - first);
  from = Math.min(Math.max(from, first), last - width);
  graphs.span = [from, from + width];
  schedule();
}
function zoomBy(factor, at) {
  const [t0, t1] = graphs.span, pivot = at === undefined ? (view.row && view.row.at >= t0 && view.row.at <= t1 ? view.row.at : (t0 + t1) / 2) : at;
  zoomTo(pivot - (pivot - t0) * factor, pivot + (t1 - pivot) * factor);
}
const zoomAll = () => zoomTo(-Infinity, Infinity);
const pan = (share) => { const [t0, t1] = graphs.span, by = (t1 - t0) * share; zoomTo(t0 + by, t1 + by); };

let scheduled = false;
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => { scheduled = false; drawGraphs(); });
}

/** The row nearest to a point of the graphs. */
function nearest(px, py) {
  const d = derive(view.connection), at = graphs.time(px), pane = PANES.find((p) => py >= p.top - GAP / 2 && py < p.top + p.height + GAP / 2);
  if (pane && pane.id === "sequence" && graphs.sequenceY) {
    let best = null, least = 26;
    const list = d.directions[view.direction].sent, reach = graphs.time(px + 20) - at;
    for (let i = firstAt(list, at - reach, (s) => s.at); i < list.length && list[i].at <= at + reach; i++) {
      const s = list[i], upper = graphs.sequenceY(s.end), lower = graphs.sequenceY(s.offset);
      const away = Math.hypot(graphs.x(s.at) - px, py < upper ? upper - py : py > lower ? py - lower : 0);
      if (away < least) { least = away; best = s; }
    }
    if (best) return d.rows.find((row) => row.segment === best);
  }
  const rows = d.rows, i = firstAt(rows, at, (row) => row.at);
  const near = [rows[i - 1], rows[i]].filter(Boolean).sort((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at))[0];
  return near && Math.abs(graphs.x(near.at) - px) < 12 ? near : null;
}

/** The row of the event at a point of the graphs. */
function frameAt(px, py) {
  const hit = graphs.hits.find((h) => h.frame && px >= h.left && px <= h.right && py >= h.top && py <= h.bottom);
  return hit && derive(view.connection).rows.find((row) => row.segment && row.segment.frame === hit.frame);
}

function showTip(px, py) {
  const tip = $("tip"), c = view.connection, d = derive(c);
  const hit = graphs.hits.find((h) => px >= h.left - 1 && px <= h.right + 1 && py >= h.top && py <= h.bottom);
  let text = "";
  if (hit && hit.text) text = hit.text;
  else if (hit) text = `${c.ends[hit.side].name || c.ends[hit.side].address}: ${hit.span.state}\n${word("from-to", seconds(hit.span.from - d.span[0]), seconds(hit.span.to - d.span[0]))} (${showTime(hit.span.to - hit.span.from)})${hit.span.on ? `\n${hit.span.on}` : ""}`;
  else {
    const row = nearest(px, py);
    if (row && row.segment) text = `${row.segment.frame ? `${word("frame", row.segment.frame)}   ` : ""}${seconds(row.at - d.span[0])}\n${row.segment.from === 0 ? "→" : "←"} ${label(c, row.segment, view.raw)}\n${reason(row.segment)}`.trim();
    else text = seconds(graphs.time(px) - d.span[0]);
  }
  tip.textContent = text;
  tip.hidden = false;
  const stack = $("stack").clientWidth;
  tip.style.left = `${Math.min(px + 14, stack - tip.offsetWidth - 4)}px`;
  tip.style.top = `${py + 16}px`;
}

function listenToGraphs() {
  const canvas = $("canvas"), point = (e) => { const box = canvas.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; };
  canvas.addEventListener("pointerdown", (e) => { const [px] = point(e); graphs.drag = { from: px, to: px }; canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointermove", (e) => {
    const [px, py] = point(e);
    graphs.hover = px >= MARGIN.left ? px : null;
    if (graphs.drag) graphs.drag.to = px;
    showTip(px, py);
    schedule();
  });
  canvas.addEventListener("pointerup", (e) => {
    const [px, py] = point(e), drag = graphs.drag;
    graphs.drag = null;
    if (!drag) return;
    if (Math.abs(drag.to - drag.from) > 5) zoomTo(graphs.time(Math.min(drag.from, drag.to)), graphs.time(Math.max(drag.from, drag.to)));
    else { const row = frameAt(px, py) || nearest(px, py); if (row) pick(row, { scroll: true }); }
    schedule();
  });
  canvas.addEventListener("pointerleave", () => { graphs.hover = null; $("tip").hidden = true; schedule(); });
  canvas.addEventListener("dblclick", zoomAll);
  canvas.addEventListener("wheel", (e) => {
    const [px] = point(e);
    if (e.ctrlKey || e.metaKey) { e.preventDefault(); zoomBy(Math.exp(Math.sign(e.deltaY) * 0.25), graphs.time(px)); }
    else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { e.preventDefault(); pan(Math.sign(e.deltaX || e.deltaY) * 0.1); }
  }, { passive: false });
  $("zoom-in").onclick = () => zoomBy(0.5);
  $("zoom-out").onclick = () => zoomBy(2);
  $("zoom-all").onclick = zoomAll;
  new ResizeObserver(schedule).observe($("stack"));
  window.addEventListener("resize", schedule);
}
