// The capture as a whole: findings in groups, and the table of all connections. Only rows in view are elements.
const lists = { column: "stream", descending: false, shown: [] };
const GROUPS_FIRST = 8, FINDINGS_FIRST = 50, FRAMES_FIRST = 8;
const SEVERITIES = ["info", "note", "warning", "error"];
const MARKS = { info: "•", note: "•", warning: "▲", error: "✖" };
const LIMITS = ["application", "network", "receiver", "itself"].map((name) => word(`limit-${name}`));

/** What an end waited for most, and how much of its time: `network 80 %`. */
function limitedBy(waited) {
  const all = (waited || []).reduce((sum, s) => sum + s, 0);
  if (!all) return "";
  const by = waited.indexOf(Math.max(...waited));
  return `${LIMITS[by]} ${Math.round((waited[by] / all) * 100)} %`;
}
const both = (pair) => (pair || [0, 0])[0] + (pair || [0, 0])[1];
const nameOf = (end) => end.address || end.name;

/** `pair` columns have a value for each end, one above the other. */
const COLUMNS = [
  { id: "stream", title: "#", number: true, value: (c) => c.stream, text: (c) => c.stream },
  { id: "ends", title: word("column-ends"), pair: true, value: (c) => c.ends.map(nameOf).join(" "), text: (c, side) => `${side ? "⇄ " : ""}${nameOf(c.ends[side])}` },
  { id: "state", title: word("column-states"), pair: true, value: (c) => (c.last_states || []).join(" "), text: (c, side) => (c.last_states || [])[side] || "" },
  { id: "sent", title: word("column-sent"), label: word("column-sent"), number: true, pair: true, value: (c) => both(c.bytes), text: (c, side) => showBytes(c.bytes[side]) },
  { id: "again", title: word("column-again"), label: word("column-again"), number: true, pair: true, value: (c) => both(c.again), text: (c, side) => grouped((c.again || [0, 0])[side]) },
  { id: "limited", title: word("column-limited"), pair: true, value: (c) => limitedBy((c.limited || [[], []])[c.bytes[1] > c.bytes[0] ? 1 : 0]), text: (c, side) => limitedBy((c.limited || [])[side]) },
  { id: "rtt", title: "RTT", label: "RTT", number: true, value: (c) => (c.round_trip === undefined ? -1 : c.round_trip), text: (c) => (c.round_trip === undefined ? "-" : showTime(c.round_trip)) },
  { id: "time", title: word("column-duration"), label: word("column-in"), number: true, value: (c) => c.duration, text: (c) => showTime(c.duration) },
  { id: "ending", title: word("column-end"), value: (c) => c.ending || "", text: (c) => c.ending || "" },
];

/** Findings by connection, made once. */
const findingsByStream = new Map();
for (const f of data.findings || []) {
  const list = findingsByStream.get(f.stream);
  if (list) list.push(f); else findingsByStream.set(f.stream, [f]);
}
const findingsOf = (c) => findingsByStream.get(c.stream) || [];
/** A severity as people read it. */
const severityWord = (severity) => word(`severity-${severity}`);
const worstOf = (c) => (c.worst === undefined ? (c.worst = Math.max(-1, ...findingsOf(c).map((f) => SEVERITIES.indexOf(f.severity)))) : c.worst);

function sortBy(id, descending) {
  lists.column = id;
  lists.descending = descending;
  orderConnections();
}

function drawConnectionsHead() {
  $("connections-head").replaceChildren(...COLUMNS.map((k) => {
    const picked = k.id === lists.column, button = make("button", "", k.title + (picked ? (lists.descending ? " ↓" : " ↑") : ""));
    button.onclick = () => sortBy(k.id, picked ? !lists.descending : k.number && k.id !== "stream");
    const cell = make("span", `c-${k.id}${k.number ? " number" : ""}`, null, button);
    cell.setAttribute("role", "columnheader");
    if (picked) cell.setAttribute("aria-sort", lists.descending ? "descending" : "ascending");
    return cell;
  }));
  $("sort").value = lists.column;
}

/** Filters and sorts; called when one of both changes. */
function orderConnections() {
  const column = COLUMNS.find((k) => k.id === lists.column), sign = lists.descending ? -1 : 1, all = data.connections || [];
  const words = $("connection-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const textOf = (c) => {
    if (c.words === undefined) c.words = [`#${c.stream}`, ...c.ends.flatMap((e) => [e.name, e.address]), ...(c.last_states || []), c.ending, ...findingsOf(c).map((f) => f.text)].join(" ").toLowerCase();
    return c.words;
  };
  const rows = all.filter((c) => words.every((word) => textOf(c).includes(word))).map((c) => [column.value(c), c]);
  rows.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1].stream - b[1].stream) * sign);
  lists.shown = rows.map((row) => row[1]);
  $("connection-count").textContent = words.length ? word("of", grouped(lists.shown.length), grouped(all.length)) : grouped(all.length);
  drawConnectionsHead();
  drawConnections();
}

function connectionElement(c) {
  const row = make("div", c === view.connection ? "conn picked" : "conn");
  row.setAttribute("role", "row");
  row.dataset.stream = c.stream;
  row.tabIndex = 0;
  for (const k of COLUMNS) {
    for (const side of k.pair ? [0, 1] : [0]) {
      const text = k.text(c, side), cell = make("span", `c-${k.id}${k.pair ? ` s${side}` : ""}${k.number ? " number" : ""}`, text);
      cell.setAttribute("role", "cell");
      if (k.label) cell.dataset.label = k.label;
      if (k.id === "state" && text) cell.style.setProperty("--c", `var(--${STATE_COLOR[text] || "grey"})`);
      row.append(cell);
    }
  }
  const worst = SEVERITIES[worstOf(c)];
  if (worst) {
    const mark = make("span", `mark ${worst}`, MARKS[worst]);
    mark.title = word("colon", severityWord(worst), findingsOf(c)[0].text);
    row.firstChild.append(mark);
  }
  return row;
}

const connectionHeight = () => (matchMedia("(max-width: 1200px)").matches ? 134 : 44);

function drawConnections() {
  const box = $("capture"), space = $("connections-space"), height = connectionHeight();
  space.style.height = `${lists.shown.length * height}px`;
  const above = box.getBoundingClientRect().top - space.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(above / height) - 4), last = Math.min(lists.shown.length, first + Math.min(ROWS_MAX, Math.ceil(box.clientHeight / height) + 9));
  const rows = $("connections-rows");
  rows.style.transform = `translateY(${first * height}px)`;
  rows.replaceChildren(...lists.shown.slice(first, last).map(connectionElement));
}

/** Buttons to the connection and the frames of a finding; among its own, the connection needs none. */
function jumps(f, own) {
  const box = make("span", "jumps");
  if (!own && f.stream !== undefined && f.stream !== null) {
    const whole = make("button", "", word("connection-number", f.stream));
    whole.onclick = () => jump(f.stream);
    box.append(whole);
  }
  for (const frame of (f.frames || []).slice(0, FRAMES_FIRST)) {
    const button = make("button", "", word("frame", frame));
    button.onclick = () => jump(f.stream, frame);
    box.append(button);
  }
  const left = (f.frames || []).length - FRAMES_FIRST;
  if (left > 0) box.append(make("span", "dim", word("and-more", grouped(left))));
  return box;
}

/** One finding, or one sentence for many. */
function findingElement({ severity, text, section, host, kind }, ...more) {
  const item = make("li", severity);
  item.append(make("span", `severity ${severity}`, `${MARKS[severity]} ${severityWord(severity)}`), " ", text);
  if (section) item.append(" ", make("span", "dim", word("brackets", section)));
  if (kind) item.append(" ", make("span", "kind", `${kind} · ${host}`));
  item.append(...more);
  return item;
}

/** A group: its sentence, and each of its findings where there are several. */
function groupElement(group) {
  const list = group.findings;
  if (list.length === 1 && (group.count || 1) === 1) return findingElement(group, jumps(list[0]));
  const each = make("ol"), all = make("details", "", null, make("summary", "", word("count-findings", grouped(group.count))), each);
  all.ontoggle = () => {
    if (!all.open || each.firstChild) return;
    each.append(...list.slice(0, FINDINGS_FIRST).map((f) => make("li", "", `${f.text} `, jumps(f))));
    const left = group.count - Math.min(list.length, FINDINGS_FIRST);
    if (left > 0) each.append(make("li", "dim", word("and-more-findings", grouped(left))));
  };
  return findingElement(group, list.length ? jumps(list[0]) : "", all);
}

/** The groups, and each finding without one as its own; the most serious first. */
function groupFindings() {
  const groups = (data.groups || []).map((g) => ({ ...g, findings: [] })), alone = [];
  for (const f of data.findings || []) {
    if (groups[f.group]) groups[f.group].findings.push(f); else alone.push({ ...f, count: 1, findings: [f] });
  }
  return [...groups, ...alone].sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));
}

function drawFindings(all) {
  const groups = lists.groups || (lists.groups = groupFindings()), shown = all ? groups : groups.slice(0, GROUPS_FIRST);
  const count = groups.reduce((sum, g) => sum + g.count, 0);
  $("finding-count").textContent = count ? (groups.length < count ? word("in-groups", grouped(count), grouped(groups.length)) : grouped(count)) : word("no-findings");
  $("findings").replaceChildren(...shown.map(groupElement));
  const more = $("more-findings");
  more.hidden = shown.length === groups.length;
  more.textContent = word("show-all", grouped(groups.length));
  more.onclick = () => drawFindings(true);
}

/** The findings of the open connection. */
function drawOwnFindings(c) {
  const own = [...findingsOf(c)].sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));
  lists.own = own;
  $("own-findings").replaceChildren(...own.map(({ group, ...f }) => findingElement(f, jumps(f, true))));
}

/** Opens a connection and, if given, picks a frame of it and zooms in a little. */
function jump(stream, frame) {
  const c = data.connections.find((c) => c.stream === stream);
  if (!c) return;
  open(c);
  if (frame === undefined) return;
  const row = derive(c).rows.find((row) => row.segment && row.segment.frame === frame);
  if (row) { pick(row, { scroll: true, zoom: true }); $("ladder").focus({ preventScroll: true }); }
}

function listenToLists() {
  const box = $("connections-rows"), chosen = (e) => { const row = e.target.closest(".conn"); if (row) jump(Number(row.dataset.stream)); };
  box.addEventListener("click", chosen);
  box.addEventListener("keydown", (e) => { if (e.key === "Enter") chosen(e); });
  $("capture").addEventListener("scroll", drawConnections, { passive: true });
  $("connection-filter").addEventListener("input", orderConnections);
  $("sort").append(...COLUMNS.map((k) => { const option = make("option", "", k.title === "#" ? word("column-number") : k.title); option.value = k.id; return option; }));
  $("sort").onchange = () => { const k = COLUMNS.find((k) => k.id === $("sort").value); sortBy(k.id, Boolean(k.number && k.id !== "stream")); };
  new ResizeObserver(drawConnections).observe($("capture"));
}
