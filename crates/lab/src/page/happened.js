// What happened at the event that is shown: the difference between its view and the one before.

const segmentKey = (s) => [s.at, s.from, s.flags, s.seq, s.ack, s.len, s.fate === "stray"].join("|");

/** The items of a list that an older one does not have. */
function added(before, after, key) {
  const known = new Map();
  for (const item of before || []) known.set(key(item), (known.get(key(item)) || 0) + 1);
  return (after || []).filter((item) => {
    const left = known.get(key(item)) || 0;
    known.set(key(item), left - 1);
    return left <= 0;
  });
}

/** Each segment of a view with a key of its own: acknowledgments that are sent at once look alike, and so do the copies of one frame. */
function keyed(of) {
  const count = new Map();
  return of.connection.segments.map((s, i) => {
    const frame = (of.frames || [])[i], key = frame === null || frame === undefined ? segmentKey(s) : `f${frame}`;
    count.set(key, (count.get(key) || 0) + 1);
    return [`${key} ${count.get(key)}`, s];
  });
}

/** Whether a move was asked for by the program: it follows the call, others follow what arrived. */
function isAskedFor(from, to) {
  const rows = lab.diagram.rows.filter((row) => row.from === from && row.to === to);
  return rows.length > 0 && rows.every((row) => CALLS.includes(row.on));
}
const CALLS = ["active OPEN", "passive OPEN", "CLOSE", "SEND", "ABORT"];

/** In words, each with the side that it happened at. */
function happenings(before, after) {
  const was = before ? before.connection : { segments: [], notes: [], moves: [], first_states: after.connection.first_states };
  const is = after.connection, older = new Map(before ? keyed(before) : []);
  const arrived = [], sent = [];
  for (const [key, s] of keyed(after)) {
    const old = older.get(key), text = segmentLabel(s), to = hostName(1 - s.from), remarks = (s.remarks || []).filter((r) => !is.notes.some((n) => n.text === r)).join(word("semicolon"));
    if (s.fate === "stray" && !old) arrived.push({ side: 1 - s.from, kind: "bad", text: phrase("did.stray", { host: to, segment: text }), why: remarks });
    else if (!old) sent.push({ side: s.from, kind: "sent", text: phrase("did.sends", { host: hostName(s.from), segment: text }), why: s.reason });
    if (s.arrived !== undefined && s.fate !== "stray" && (!old || old.arrived === undefined)) arrived.push({ side: 1 - s.from, kind: "arrived", text: phrase("did.arrives", { host: to, segment: text }), why: remarks });
    if (s.fate === "lost" && (!old || old.fate !== "lost")) sent.push({ side: s.from, kind: "bad", text: phrase("did.lost", { segment: text }), why: remarks });
  }
  const states = [...(was.first_states || [])];
  for (const m of was.moves || []) states[m.side] = m.to;
  const moved = added(was.moves, is.moves, (m) => [m.at, m.side, m.to].join("|")).map((m) => {
    const from = states[m.side];
    states[m.side] = m.to;
    return { side: m.side, kind: "moved", text: phrase("did.moves", { host: hostName(m.side), from, to: m.to }), why: m.on.replace(/, (?=[A-Z]{3})/g, ","), isAsked: isAskedFor(from, m.to) };
  });
  const noted = added(was.notes, is.notes, (n) => [n.at, n.side, n.text].join("|")).map((n) => ({ side: n.side, kind: n.kind, text: phrase("did.says", { host: hostName(n.side), text: n.text }) }));
  if (!arrived.length) return [...noted, ...moved, ...sent];
  return [...arrived, ...moved.filter((m) => !m.isAsked), ...noted, ...moved.filter((m) => m.isAsked), ...sent];
}

function drawHappened() {
  const items = happenings(lab.before, lab.view), box = $("happened");
  if (lab.view.at === 0) items.push({ side: 0, kind: "moved", text: phrase("did.nothing") });
  if (lab.view.at > 0 && lab.view.at === lab.view.events) items.push({ side: 0, kind: "moved", text: phrase(lab.view.is_cut ? "did.cut" : "did.end") });
  if (!items.length) items.push({ side: 0, kind: "moved", text: phrase("did.quiet") });
  const element = ({ side, kind, text, why }) => {
    const item = make("li", `s${side} ${kind}`, null, make("span", "", text));
    if (why) item.append(" ", make("span", "dim", why));
    return item;
  };
  box.replaceChildren(make("ul", "", null, ...items.map(element)));
}
