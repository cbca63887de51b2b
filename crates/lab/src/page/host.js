// A host: its state in large letters, its program, its diagram, its numbers and timers.

/** The connection of a host that is shown: the one that was chosen, else the youngest that is not over. */
function connectionOf(side) {
  const { connections } = lab.view.hosts[side], chosen = lab.chosen[side];
  if (chosen !== null && connections[chosen]) return connections[chosen];
  return [...connections].reverse().find((c) => c.state !== "CLOSED") || connections[connections.length - 1];
}

/** Its state; without a connection a host listens, or is closed, as it is when it has lost its power. */
function stateOf(side) {
  const host = lab.view.hosts[side], connection = connectionOf(side);
  if (connection) return connection.state;
  if (host.failed) return "CLOSED";
  return host.program.slice(0, host.call).some((call) => call.trim() === "listen") ? "LISTEN" : "CLOSED";
}

function drawHost(side) {
  const host = lab.view.hosts[side], connection = connectionOf(side), state = stateOf(side), box = $(`host-${side}`);
  if (box.querySelector("textarea")) return;
  box.setAttribute("aria-label", hostName(side));
  const taken = connection && connection.row, about = stateAbout(state);
  const head = make("div", "host-head", null, make("h2", `side-${side}`, hostName(side)), make("span", "dim mono", host.address));
  const now = make("div", "state-now", null, make("span", "state-name", state));
  now.style.setProperty("--c", `var(--${STATE_COLOR[state] || "grey"})`);
  if (connection && connection.row) now.append(make("span", "dim", phrase("since", { time: timeText(connection.since) })));
  const parts = [head, now, make("p", "state-about", about.about || "")];
  if (host.connections.length > 1) parts.push(connectionChips(side));
  parts.push(programElement(side), diagramElement(state, taken, connection ? connection.next : lab.diagram.rows.filter((row) => row.from === state), showState));
  parts.push(rowElements(state, taken, connection));
  if (connection && connection.numbers) parts.push(numbersElement(connection.numbers, side));
  const focusable = () => [...box.querySelectorAll("button, summary, a, [role=button]")], focused = focusable().indexOf(document.activeElement);
  const open = new Set([...box.querySelectorAll("details[open]")].map((d) => d.dataset.key));
  box.replaceChildren(...parts);
  for (const d of box.querySelectorAll("details")) d.open = open.has(d.dataset.key);
  if (focused >= 0 && focusable()[focused]) focusable()[focused].focus({ preventScroll: true });
}

function connectionChips(side) {
  const list = lab.view.hosts[side].connections, shown = connectionOf(side);
  return make("div", "chips", null, make("span", "dim", phrase("connections")), ...list.map((c, i) => {
    const b = make("button", "", `${i + 1}: ${c.state}`);
    b.setAttribute("aria-pressed", c === shown);
    b.onclick = () => { lab.chosen[side] = i; drawHost(side); };
    return b;
  }));
}

/** The program as a list of calls, the present one marked. */
function programElement(side) {
  const host = lab.view.hosts[side], list = make("ol", "program mono");
  host.program.forEach((call, i) => {
    const item = make("li", "", null, make("span", "", call));
    if (i < host.call) { item.classList.add("done"); item.append(make("span", "tick", ` ✓`)); item.setAttribute("aria-label", phrase("call.done", { call })); }
    if (i === host.call && host.failed) { item.classList.add("bad"); item.append(make("span", "", " ✗")); item.setAttribute("aria-label", phrase("call.not", { call })); }
    else if (i === host.call) {
      item.classList.add("now");
      item.setAttribute("aria-current", "step");
      if (host.waits) item.append(make("span", "waits", phrase("call.waits")));
    }
    list.append(item);
  });
  const edit = button("edit", () => editProgram(side));
  edit.setAttribute("aria-label", phrase("edit.of", { host: hostName(side) }));
  const head = make("div", "part-head", null, make("h3", "", phrase("program")), edit);
  const box = make("div", "", null, head, list);
  if (host.failed) box.append(make("p", "bad", phrase("call.failed", { why: host.failed })));
  else if (host.program.length && host.call >= host.program.length) box.append(make("p", "dim", phrase("call.over")));
  return box;
}

/** The row that was taken and those that may come. */
function rowElements(state, taken, connection) {
  const box = make("div", "rows-box");
  if (taken) {
    const line = make("p", "row-taken", null, make("b", "", `${taken.from} → ${taken.to}`), " ", make("span", "mono", rowText(taken)), " ", sectionLink(taken.section));
    const about = (lab.diagram.rows.find((row) => row.number === taken.number) || {}).about;
    if (about) line.append(make("span", "about dim", about));
    box.append(make("h3", "", phrase("row.taken")), line);
  }
  const next = connection ? connection.next : lab.diagram.rows.filter((row) => row.from === state);
  if (next.length) {
    const list = make("ul", "rows", null, ...next.map((row) => make("li", "", null, make("span", "mono", rowText(row)), " → ", make("b", "", row.to))));
    const all = make("details", "", null, make("summary", "", phrase("row.next", { count: next.length })), list);
    all.dataset.key = "next";
    box.append(all);
  }
  return box;
}

const NUMBERS = [
  ["cwnd", "B"], ["ssthresh", "B"], ["flight", "B"], ["send_window", "B"], ["receive_window", "B"], ["unsent", "B"], ["unread", "B"],
  ["rto_ms", "ms"], ["rtt_ms", "ms"], ["again", ""],
];
const numberText = (value, unit) => (value === null || value === undefined ? "–" : `${Number.isInteger(value) ? grouped(value) : value.toFixed(1)}${unit ? ` ${unit}` : ""}`);

function numbersElement(numbers, side) {
  const cells = NUMBERS.flatMap(([name, unit]) => {
    const title = make("dt", "", phrase(`number.${name}`));
    title.title = phrase(`number.${name}.about`);
    return [title, make("dd", "mono", numberText(numbers[name], unit))];
  });
  const timers = make("ul", "timers", null, ...numbers.timers.map(([name, due]) => {
    const bar = make("i"), item = make("li", "", null, make("span", "", phraseOr(`timer.${name}`, name)), make("span", "left mono"), bar);
    Object.assign(item.dataset, { due, side });
    item.title = phraseOr(`timer.${name}.about`, "");
    return item;
  }));
  return make("div", "numbers", null, make("h3", "", phrase("numbers-of")), make("dl", "", null, ...cells), make("h3", "", phrase("timers")), numbers.timers.length ? timers : make("p", "dim", phrase("timers.none")));
}

/** Lets the timers count down to the clock. */
function drawTimers() {
  for (const item of document.querySelectorAll(".timers li")) {
    const left = Math.max(0, Number(item.dataset.due) - lab.clock);
    item.querySelector(".left").textContent = timeText(left);
    // A timer's whole span is not known, so its bar is a logarithm of what is left: a millisecond is nothing, a minute all.
    item.querySelector("i").style.width = `${Math.max(0, Math.min(100, (Math.log10(left * 1000 + 1) / Math.log10(60001)) * 100))}%`;
  }
}

const timeText = (seconds) => (seconds >= 9.9995 ? `${seconds.toFixed(1)} s` : seconds >= 0.9995 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds * 10000) / 10} ms`);

/** What of a host can be edited besides its program. */
const HOST_FIELDS = [
  ["isn", "number"], ["receive_buffer_bytes", "number"], ["mss_bytes", "number"], ["congestion", ["reno", "cubic", "bbr", "prague"]],
  ["sack", "check"], ["timestamps", "check"], ["nagle", "check"], ["quick_acks", "check"],
];
const WIRE_FIELDS = [["delay_ms", "number"], ["rate_kbit", "number"], ["queue_packets", "number"], ["loss_permille", "number"]];

/** Inputs for fields of an object; `read` gives the object with what was put in. */
function form(fields, of) {
  const inputs = fields.map(([name, kind]) => {
    const input = Array.isArray(kind) ? make("select", "", null, ...kind.map((k) => make("option", "", k))) : make("input");
    if (kind === "check") { input.type = "checkbox"; input.checked = Boolean(of[name]); }
    else { if (kind === "number") { input.type = "number"; input.min = 0; input.placeholder = phraseOr(`field.none.${name}`, phrase("field.none")); } input.value = of[name] === null || of[name] === undefined ? "" : of[name]; }
    return [name, kind, input];
  });
  const labels = inputs.map(([name, , input]) => make("label", "field", null, make("span", "", phrase(`field.${name}`)), input));
  const read = () => inputs.reduce((all, [name, kind, input]) => {
    if (kind === "check") all[name] = input.checked;
    else if (kind !== "number") all[name] = input.value;
    else if (input.value === "") delete all[name];
    else all[name] = Number(input.value);
    return all;
  }, { ...of });
  return { labels, read };
}

/** Runs an edited setup from its begin; `failed` gets the error of the engine. */
async function runSetup(setup, failed) {
  try {
    await rerun({ setup, at: 0 });
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}

function editProgram(side) {
  const box = $(`host-${side}`), setup = JSON.parse(JSON.stringify(setupNow())), host = setup.hosts[side], text = make("textarea", "mono");
  stop();
  Object.assign(text, { value: host.program.join("\n"), rows: Math.max(6, host.program.length + 1), spellcheck: false, id: `program-${side}` });
  text.setAttribute("aria-label", phrase("edit.of", { host: hostName(side) }));
  const wrong = make("p", "bad"), more = form(HOST_FIELDS, host);
  wrong.setAttribute("role", "alert");
  text.setAttribute("aria-describedby", wrong.id = `wrong-${side}`);
  const close = () => { box.replaceChildren(); drawHost(side); };
  const run = async () => {
    setup.hosts[side] = { ...more.read(), program: text.value.split("\n").map((line) => line.trim()).filter(Boolean) };
    text.value = setup.hosts[side].program.join("\n");
    if (await runSetup(setup, (error) => showWrong(text, wrong, error))) close();
  };
  text.onkeydown = (e) => { if (e.key === "Escape") { e.stopPropagation(); close(); } if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) run(); };
  const options = make("details", "", null, make("summary", "", phrase("edit.options")), ...more.labels);
  box.replaceChildren(make("div", "host-head", null, make("h2", `side-${side}`, hostName(side))), make("p", "dim", phrase("edit.about")), text, wrong,
    make("div", "buttons", null, button("edit.run", run), button("cancel", close)), options);
  text.focus();
}

/** Shows an error at its line, if the engine says which. */
function showWrong(text, wrong, error) {
  wrong.textContent = error.message;
  text.setAttribute("aria-invalid", "true");
  const line = error.answer && Number.isInteger(error.answer.line) ? error.answer.line : Number((error.message.match(/(?:line |第 ?)(\d+)/) || [])[1]) - 1;
  const lines = text.value.split("\n");
  if (!(line >= 0 && line < lines.length)) return;
  const from = lines.slice(0, line).join("\n").length + (line ? 1 : 0);
  text.focus();
  text.setSelectionRange(from, from + lines[line].length);
}
