// The list of connections and the findings.
const SHOWN_MAX = 1000;
const lists = { column: "stream", descending: false };
const COLUMNS = [
  { id: "stream", title: "#", number: true, value: (c) => c.stream, text: (c) => c.stream },
  { id: "ends", title: "ends", value: (c) => c.ends.map((e) => e.address || e.name).join(" "), text: (c) => `${c.ends[0].address || c.ends[0].name} → ${c.ends[1].address || c.ends[1].name}` },
  { id: "bytes", title: "bytes", number: true, value: (c) => c.bytes[0] + c.bytes[1], text: (c) => showBytes(c.bytes[0] + c.bytes[1]) },
  { id: "time", title: "time", number: true, value: (c) => c.duration, text: (c) => showTime(c.duration) },
];
const SEVERITIES = ["info", "note", "warning", "error"];

const findingsOf = (c) => (data.findings || []).filter((f) => f.stream === c.stream);

function drawConnections() {
  const head = $("connections").tHead, body = $("connections").tBodies[0];
  const column = COLUMNS.find((k) => k.id === lists.column);
  head.replaceChildren(make("tr", "", null, ...COLUMNS.map((k) => {
    const mark = k === column ? (lists.descending ? " ↓" : " ↑") : "", button = make("button", "", k.title + mark);
    button.onclick = () => { lists.descending = k === column ? !lists.descending : k.number && k.id !== "stream"; lists.column = k.id; drawConnections(); };
    const cell = make("th", k.number ? "number" : "", null, button);
    if (k === column) cell.setAttribute("aria-sort", lists.descending ? "descending" : "ascending");
    return cell;
  })));
  const words = $("connection-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const sign = lists.descending ? -1 : 1;
  const order = (a, b) => { const x = column.value(a), y = column.value(b); return (x < y ? -1 : x > y ? 1 : a.stream - b.stream) * sign; };
  lists.shown = (data.connections || []).filter((c) => {
    if (!words.length) return true;
    const text = [`#${c.stream}`, ...c.ends.flatMap((e) => [e.name, e.address]), ...(c.story || []), ...findingsOf(c).map((f) => f.text)].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }).sort(order);
  body.replaceChildren(...lists.shown.slice(0, SHOWN_MAX).map((c) => {
    const row = make("tr", c === view.connection ? "picked" : "", null, ...COLUMNS.map((k) => make("td", k.number ? "number" : "", k.text(c))));
    const worst = Math.max(-1, ...findingsOf(c).map((f) => SEVERITIES.indexOf(f.severity)));
    if (worst >= 0) row.cells[1].append(make("span", `flag ${SEVERITIES[worst]}`));
    row.dataset.stream = c.stream;
    row.onclick = () => open(c);
    return row;
  }));
  const total = (data.connections || []).length, left = lists.shown.length - SHOWN_MAX;
  $("connection-count").textContent = (words.length ? `${grouped(lists.shown.length)} of ` : "") + grouped(total) + (left > 0 ? ` (the first ${grouped(SHOWN_MAX)} are shown)` : "");
}

function drawFindings() {
  const all = data.findings || [], scope = $("finding-scope").checked;
  lists.findings = all.filter((f) => (scope ? view.connection && f.stream === view.connection.stream : !f.in_group))
    .sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));
  $("finding-count").textContent = grouped(lists.findings.length);
  $("findings").replaceChildren(...lists.findings.slice(0, SHOWN_MAX).map((f) => {
    const item = make("li", f.severity, f.text);
    if (f.section) item.append(" ", make("span", "dim", `(${f.section})`));
    const jumps = make("div", "jumps");
    if (f.stream !== undefined && f.stream !== null) {
      const whole = make("button", "", `connection ${f.stream}`);
      whole.onclick = () => jump(f.stream);
      jumps.append(whole);
    }
    for (const frame of (f.frames || []).slice(0, 8)) {
      const button = make("button", "", `frame ${frame}`);
      button.onclick = () => jump(f.stream, frame);
      jumps.append(button);
    }
    item.append(jumps);
    return item;
  }));
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
