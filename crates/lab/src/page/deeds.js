// What a reader does to a run: the menu of a segment, what can be injected, and the list of what was done.

/** Opens a window with these parts near a click, or in the middle. */
function openMenu(parts, event, name) {
  const menu = $("menu");
  stop();
  menu.replaceChildren(...parts, make("div", "buttons", null, button("close", () => menu.close())));
  menu.setAttribute("aria-label", name);
  Object.assign(menu.style, { left: "", top: "", margin: "" });
  if (!menu.open) menu.showModal();
  if (event && event.clientX && window.innerWidth > 700) {
    const left = Math.min(event.clientX + 8, window.innerWidth - menu.offsetWidth - 12), top = Math.min(event.clientY + 8, window.innerHeight - menu.offsetHeight - 12);
    Object.assign(menu.style, { left: `${Math.max(8, left)}px`, top: `${Math.max(8, top)}px`, margin: "0" });
  }
}

/** Does something to the run; the moment stays, or goes back to when the segment left. */
async function act(deed, frame) {
  $("menu").close();
  stop();
  try {
    const deeds = [...lab.moment.deeds, deed];
    await rerun({ deeds, at: frame === undefined ? lab.moment.at : await firstEventOf(frame) });
    say("");
  } catch (error) { say(error.message); }
}

/** The event at which a frame left: what was done to it is seen from there on. */
async function firstEventOf(frame) {
  const has = async (at) => { const v = await viewAt(at); return v.flights.some((f) => f.frame === frame) || (v.frames || []).includes(frame); };
  let low = 0, high = lab.moment.at;
  while (low < high) { const mid = (low + high) >> 1; if (await has(mid)) high = mid; else low = mid + 1; }
  return low;
}

const drop = (s) => (s.frame === null || s.frame === undefined ? say(phrase("menu.stray")) : act({ drop: { frame: s.frame } }, s.frame));

/** A window that is closed says nothing any more. */
function listenToMenu() {
  $("menu").addEventListener("close", () => $("menu").replaceChildren());
}

/** A number with a button. */
function numbered(key, value, unit, done) {
  const input = make("input"), b = button(key, () => done(Number(input.value)));
  Object.assign(input, { type: "number", min: 0, max: 600000, value });
  input.setAttribute("aria-label", `${phrase(key)}, ${unit}`);
  return make("span", "numbered", null, b, input, make("span", "dim", unit));
}

/** The fields of a header that can be changed. */
function changeForm(of, done, key) {
  const fields = [["flags", "text", of.flags], ["seq", "number", of.seq], ["ack", "number", of.ack], ["window", "number", of.window]];
  const inputs = fields.map(([name, type, value]) => {
    const input = make("input");
    Object.assign(input, { type, value: "", placeholder: value === undefined || value === null ? phrase("field.expected") : String(value) });
    return [name, type, input];
  });
  const read = () => Object.fromEntries(inputs.filter(([, , input]) => input.value !== "").map(([name, type, input]) => [name, type === "number" ? Number(input.value) : input.value]));
  return make("div", "change", null, ...inputs.map(([name, , input]) => make("label", "field", null, make("span", "", phrase(`change.${name}`)), input)), button(key, () => done(read())));
}

function openSegment(s, event) {
  const segment = s.segment, text = segmentLabel(segment), frame = s.frame, from = hostName(s.from);
  lab.picked = s.key;
  const raw = `Seq=${segment.seq}${segment.ack === null || segment.ack === undefined ? "" : ` Ack=${segment.ack}`} Win=${segment.window}`;
  const about = [make("h2", "", phrase("did.says", { host: from, text })), make("p", "dim mono", raw)];
  for (const text of [segment.reason, ...(segment.remarks || [])]) if (text) about.push(make("p", "", text));
  if (frame === null || frame === undefined) { openMenu([...about, make("p", "", phrase("menu.stray"))], event, text); return; }
  openMenu([...about, make("div", "choices", null,
    button("menu.drop", () => act({ drop: { frame } }, frame)), button("menu.double", () => act({ double: { frame } }, frame)),
    button("menu.reorder", () => act({ reorder: { frame } }, frame)), button("menu.corrupt", () => act({ corrupt: { frame } }, frame)),
    numbered("menu.delay", 250, "ms", (ms) => act({ delay: { frame, ms } }, frame))),
  make("details", "", null, make("summary", "", phrase("menu.change")), changeForm(segment, (to) => act({ change: { frame, to } }, frame), "menu.change.do"))], event, text);
}

/** What can be injected at this moment, at either host. */
function openInject(event) {
  const host = make("select", "", null, ...[0, 1].map((side) => { const o = make("option", "", hostName(side)); o.value = side; return o; }));
  host.value = 1;
  const forge = (what) => act({ forge: { after: lab.moment.at, host: Number(host.value), what } }).then(step);
  const kind = (name) => make("div", "kind-of", null, button(`inject.${name}`, () => forge(name)), make("span", "dim", phrase(`inject.${name}.about`)));
  openMenu([make("h2", "", phrase("inject")), make("label", "field", null, make("span", "", phrase("inject.to")), host), kind("old-syn"), kind("exact-rst"), kind("blind-rst"),
    make("div", "kind-of", null, button("inject.crash", () => act({ crash: { after: lab.moment.at, host: Number(host.value) } }).then(step)), make("span", "dim", phrase("inject.crash.about"))),
    make("details", "", null, make("summary", "", phrase("inject.own")), changeForm({}, (segment) => forge({ segment }), "inject.own.do"))], event, phrase("inject"));
}

/** The wire's own numbers. */
function openWire(event) {
  const setup = JSON.parse(JSON.stringify(setupNow())), fields = form(WIRE_FIELDS, setup.wire || {}), chance = form([["seed", "number"]], setup), wrong = make("p", "bad");
  wrong.setAttribute("role", "alert");
  const run = async () => { Object.assign(setup, chance.read(), { wire: fields.read() }); if (await runSetup(setup, (error) => { wrong.textContent = error.message; })) $("menu").close(); };
  openMenu([make("h2", "", phrase("wire.edit")), ...fields.labels, ...chance.labels, wrong, button("edit.run", run)], event, phrase("wire.edit"));
}

/** A deed in words. */
function deedText(deed) {
  const [kind] = Object.keys(deed), d = deed[kind];
  if (kind === "forge") return phrase("deed.forge", { what: phrase(`inject.${typeof d.what === "string" ? d.what : "own"}`), host: hostName(d.host), after: d.after });
  if (kind === "crash") return phrase("deed.crash", { host: hostName(d.host), after: d.after });
  const i = (lab.view.frames || []).indexOf(d.frame), segment = i < 0 ? phrase("deed.segment", { number: d.frame + 1 }) : phrase("did.says", { host: hostName(lab.view.connection.segments[i].from), text: segmentLabel(lab.view.connection.segments[i]) });
  return phrase(`deed.${kind}`, { segment, ms: d.ms, to: d.to ? Object.entries(d.to).map(([name, value]) => `${phrase(`change.${name}`)} ${value}`).join(", ") : "" });
}

function drawDeeds() {
  const { deeds, setup } = lab.moment, box = $("deeds");
  box.hidden = !deeds.length && !setup;
  const chips = deeds.map((deed, i) => {
    const b = button("deed.undo", () => rerun({ deeds: deeds.filter((_, n) => n !== i) }).catch((error) => say(error.message)));
    b.setAttribute("aria-label", phrase("deed.undo.of", { deed: deedText(deed) }));
    return make("span", "deed", null, make("span", "", deedText(deed)), b);
  });
  if (setup) chips.push(make("span", "deed", null, make("span", "", phrase("deed.setup")), button("deed.undo", () => rerun({ setup: undefined, at: 0 }).catch((error) => say(error.message)))));
  box.replaceChildren(make("h3", "", phrase("deeds")), ...chips, deeds.length + (setup ? 1 : 0) > 1 ? button("deeds.none", () => rerun({ deeds: [], setup: undefined, at: 0 })) : "");
}
