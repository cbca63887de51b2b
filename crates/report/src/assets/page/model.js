// The data of the page, and what is derived from it: unwrapped sequence numbers, bytes in flight, RTT.
const WORDS = JSON.parse(document.getElementById("words").textContent);
/** A text of the page's own in its language; `{0}` and `{1}` in it stand for the values. */
const word = (key, ...values) => (WORDS[key] || key).replace(/\{(\d)\}/g, (_, place) => values[place]);
const data = JSON.parse(document.getElementById("data").textContent);
/** The rest of each connection, a line each; a line is read when its connection is opened. Before them what they share. */
const details = document.getElementById("details").textContent.split("\n");
const shared = JSON.parse(details.shift());

/** Puts back what is packed: objects are rows with the number of their list of fields, strings that came before numbers. */
function unpack(value, addresses) {
  const row = ([list, ...values]) => {
    const [others, texts] = shared.fields[list], last = values[others.length], together = typeof last === "number" ? shared.texts[last] : last;
    const fields = [...others.map((name, i) => [name, values[i]]), ...texts.map((name, i) => [name, together[i]])];
    return Object.fromEntries(fields.map(([name, part]) => [name, unpack(part, addresses)]));
  };
  if (typeof value === "string") return unpackText(value, addresses);
  if (Array.isArray(value)) return value.map((item) => unpack(item, addresses));
  if (value === null || typeof value !== "object") return value;
  return value["!"] ? value["!"].map(row) : row(value["?"]);
}

/** `!12` is a string of the table, `!!` begins one with a mark, `!-` one that is as it is; a mark stands for an end. */
function unpackText(text, addresses) {
  if (text.startsWith("!-")) return text.slice(2);
  if (text[0] === "!") text = text[1] === "!" ? text.slice(1) : shared.strings[Number(text.slice(1))];
  return text.replace(/`([01])/g, (_, end) => addresses[end]);
}
(data.connections || []).forEach((c, i) => { c.line = i; });
const $ = (id) => document.getElementById(id);

/** An element with a class, text and children; text never becomes markup. */
function make(tag, cls, text, ...children) {
  const element = document.createElement(tag);
  if (cls) element.className = cls;
  if (text !== undefined && text !== null) element.textContent = text;
  element.append(...children);
  return element;
}

const STATE_COLOR = {
  "CLOSED": "closed", "LISTEN": "closed", "SYN-SENT": "opening", "SYN-RECEIVED": "opening", "ESTABLISHED": "open",
  "FIN-WAIT-1": "active", "FIN-WAIT-2": "active", "CLOSING": "active", "TIME-WAIT": "wait", "CLOSE-WAIT": "passive", "LAST-ACK": "passive",
};

const grouped = (n) => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
const digits = (v) => (Math.abs(v) < 9.995 ? v.toFixed(2) : Math.abs(v) < 99.95 ? v.toFixed(1) : v.toFixed(0));
function prefixed(v, table, unit) {
  if (v === 0) return `0 ${unit}`;
  const row = table.find(([scale]) => Math.abs(v) >= scale * 0.9995) || table[table.length - 1];
  return `${row[0] === 1 && Number.isInteger(v) ? v : digits(v / row[0])} ${row[1]}${unit}`;
}
const KIBI = [[2 ** 40, "Ti"], [2 ** 30, "Gi"], [2 ** 20, "Mi"], [1024, "Ki"], [1, ""]];
const KILO = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];
const MILLI = [[1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const showBytes = (v) => prefixed(v, KIBI, "B");
const showRate = (v) => prefixed(v, KILO, "bit/s");
const showTime = (v) => prefixed(v, MILLI, "s");
const seconds = (v) => v.toFixed(6);

/** Derives, once, what the graphs and the ladder of a connection need. */
function derive(c) {
  if (c.derived) return c.derived;
  // One that came by itself is whole.
  if (c.line !== undefined) Object.assign(c, unpack(JSON.parse(details[c.line]), c.ends.map((end) => end.address)));
  const segments = c.segments || [];
  const d = { rows: [], directions: [0, 1].map(() => ({ sent: [], acks: [], flight: [], window: [], sacks: [], rtt: [], top: 1 })) };
  const reference = [null, null];
  // Offsets are counted from the ISN and go on beyond 2^32.
  const unwrap = (side, number) => {
    const r = reference[side];
    if (!r) {
      const isn = c.isn && c.isn[side];
      const start = isn === null || isn === undefined ? (number - 1) >>> 0 : isn;
      reference[side] = { number, offset: (number - start) | 0 };
      return reference[side].offset;
    }
    const offset = r.offset + ((number - r.number) | 0);
    if (offset > r.offset) reference[side] = { number, offset };
    return offset;
  };
  const flight = [0, 1].map(() => ({ end: null, acked: null, sacked: [], pending: [] }));
  segments.forEach((s, index) => {
    s.index = index;
    const from = s.from, other = 1 - from;
    const syn = s.flags.includes("SYN"), fin = s.flags.includes("FIN"), rst = s.flags.includes("RST");
    if (s.fate === "stray") { s.offset = null; return; }
    s.offset = unwrap(from, s.seq);
    s.ackOffset = s.ack === undefined ? null : unwrap(other, s.ack);
    const end = s.offset + s.len + (syn ? 1 : 0) + (fin ? 1 : 0);
    s.end = end;
    const mine = flight[from];
    if ((s.len > 0 || syn || fin) && !rst) {
      d.directions[from].sent.push(s);
      if (!s.again && s.fate !== "lost") mine.pending.push([end, s.at]);
      if (mine.end === null || end > mine.end) mine.end = end;
      if (mine.acked === null) mine.acked = s.offset;
      d.directions[from].top = Math.max(d.directions[from].top, end);
    }
    if (s.again) mine.pending = mine.pending.filter(([e]) => e <= s.offset || e > end);
    if (s.ackOffset !== null && !rst && s.fate !== "lost" && s.fate !== "in_flight") {
      const theirs = flight[other], there = d.directions[other];
      const at = s.arrived === undefined ? s.at : s.arrived;
      there.acks.push([at, s.ackOffset]);
      there.window.push([at, s.ackOffset + s.window, s.window]);
      let newest = null;
      while (theirs.pending.length && theirs.pending[0][0] <= s.ackOffset) newest = theirs.pending.shift();
      if (newest && !(c.rtt && c.rtt[other] && c.rtt[other].length)) there.rtt.push([at, at - newest[1]]);
      theirs.acked = theirs.acked === null ? s.ackOffset : Math.max(theirs.acked, s.ackOffset);
      for (const [left, right] of s.sack || []) {
        const range = [unwrap(other, left), unwrap(other, right)];
        there.sacks.push([at, range[0], range[1], s]);
        addRange(theirs.sacked, range);
      }
      theirs.sacked = theirs.sacked.filter((r) => r[1] > theirs.acked);
    }
    for (const side of [0, 1]) {
      const f = flight[side];
      if (f.end === null) continue;
      const sacked = f.sacked.reduce((sum, r) => sum + r[1] - Math.max(r[0], f.acked), 0);
      const value = Math.max(0, f.end - f.acked - sacked);
      const list = d.directions[side].flight;
      if (!list.length || list[list.length - 1][1] !== value) list.push([s.at, value]);
    }
  });
  for (const side of [0, 1]) if (c.rtt && c.rtt[side] && c.rtt[side].length) d.directions[side].rtt = c.rtt[side];
  for (const there of d.directions) {
    for (const list of [there.acks, there.window, there.sacks]) list.sort((a, b) => a[0] - b[0]);
    // One that was overtaken on its way acknowledges nothing new.
    const newest = (acked) => { let top = -Infinity; return (point) => acked(point) >= top && ((top = acked(point)), true); };
    there.acks = there.acks.filter(newest(([, acked]) => acked));
    there.window = there.window.filter(newest(([, edge, window]) => edge - window));
  }
  // Rows of the ladder: segments, notes, and state changes without a segment, in the order of time.
  const aside = [
    ...(c.notes || []).map((n) => ({ at: n.at, note: n })),
    ...(c.moves || []).filter((m) => m.alone).map((m) => ({ at: m.at, move: m })),
  ];
  d.rows = [...segments.map((s) => ({ at: s.at, segment: s })), ...aside];
  d.rows.forEach((row, index) => { row.order = index; });
  d.rows.sort((a, b) => a.at - b.at || (a.segment ? 0 : 1) - (b.segment ? 0 : 1) || a.order - b.order);
  const now = [...(c.first_states || [null, null])];
  for (const row of d.rows) {
    const next = [...now];
    if (row.segment && row.segment.states) row.segment.states.forEach((s, side) => { if (s) next[side] = s; });
    if (row.move) next[row.move.side] = row.move.to;
    row.states = next;
    row.fresh = next.map((s, side) => s !== now[side]);
    now[0] = next[0]; now[1] = next[1];
  }
  const first = d.rows.length ? d.rows[0].at : 0, last = d.rows.length ? d.rows[d.rows.length - 1].at : 1;
  d.span = last > first ? [first, last] : [first, first + 1e-3];
  d.lanes = [0, 1].map((side) => lane(c, side, d.span));
  c.derived = d;
  return d;
}

/** The spans of one end's states. */
function lane(c, side, span) {
  const spans = [];
  let at = span[0], state = c.first_states && c.first_states[side], on = "";
  for (const m of (c.moves || []).filter((m) => m.side === side)) {
    if (state) spans.push({ from: at, to: m.at, state, on });
    at = m.at; state = m.to; on = m.on;
  }
  if (state) spans.push({ from: at, to: span[1], state, on });
  return spans;
}

/** Adds a range to a sorted list of ranges that do not touch. */
function addRange(list, [from, to]) {
  let i = 0;
  while (i < list.length && list[i][1] < from) i++;
  let j = i;
  while (j < list.length && list[j][0] <= to) { from = Math.min(from, list[j][0]); to = Math.max(to, list[j][1]); j++; }
  list.splice(i, j - i, [from, to]);
}

/** The first index whose time is not before `at`. */
function firstAt(list, at, time = (x) => x[0]) {
  let low = 0, high = list.length;
  while (low < high) { const mid = (low + high) >> 1; if (time(list[mid]) < at) low = mid + 1; else high = mid; }
  return low;
}

/** `SYN,ACK Seq=0 Ack=1 Len=5`, relative or raw. */
function label(c, s, raw) {
  const relative = s.offset === null || s.offset === undefined;
  const seq = raw || relative ? s.seq : s.offset, ack = raw || s.ackOffset === null || s.ackOffset === undefined ? s.ack : s.ackOffset;
  let text = `${s.flags.replace(/, /g, ",") || word("no-flags")} Seq=${seq}`;
  if (s.ack !== undefined) text += ` Ack=${ack}`;
  if (s.len) text += ` Len=${s.len}`;
  if (s.window === 0 && !s.flags.includes("RST")) text += " Win=0";
  return text;
}

/** Why a segment was sent, and the remarks on it. */
function reason(s) {
  const fate = s.fate && word(`fate-${s.fate}`);
  return [fate, s.reason, ...(s.remarks || [])].filter(Boolean).join(word("semicolon"));
}
