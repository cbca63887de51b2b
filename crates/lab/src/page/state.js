// The moment that is shown, the views of its run, and the address that holds it.
const lab = {
  moment: { lesson: undefined, setup: undefined, deeds: [], at: 0 }, lesson: null, lessons: [], diagram: { states: [], rows: [] },
  view: null, before: null, clock: 0, asked: 0, chosen: [null, null], views: new Map(), picked: null,
};
/** What report's scripts look at: the connection, the row and the direction that are shown. */
const view = { connection: null, row: null, direction: 0, raw: false };
/** The most views that are kept. */
const VIEWS_MAX = 200;

/** A moment without what is as usual. */
function compact({ lesson, setup, deeds, at }) {
  const moment = { at };
  if (lesson) moment.lesson = lesson;
  if (setup) moment.setup = setup;
  if (deeds.length) moment.deeds = deeds;
  return moment;
}

/** The view of an event of this run. */
async function viewAt(at, of = lab.moment) {
  const moment = compact({ ...of, at }), key = JSON.stringify([words.lang, moment]);
  if (!lab.views.has(key)) {
    if (lab.views.size >= VIEWS_MAX) lab.views.delete(lab.views.keys().next().value);
    const asked = ask({ ask: "view", moment, lang: words.lang });
    lab.views.set(key, asked);
    asked.catch(() => lab.views.delete(key));
  }
  return lab.views.get(key);
}

/** Shows this event; what was asked for before and is not here yet is forgotten. */
async function go(at, of = lab.moment) {
  const asked = ++lab.asked, last = lab.view ? lab.view.events : at;
  at = Math.max(0, of === lab.moment ? Math.min(at, last) : at);
  const now = await viewAt(at, of), before = now.at > 0 ? await viewAt(now.at - 1, of) : null;
  if (asked !== lab.asked) return;
  Object.assign(lab, { moment: { ...of, at: now.at }, view: now, before, clock: now.time });
  remember();
  draw();
  prepare();
}

/** Asks for the views that the next step on or back needs, so that it shows at once. */
function prepare() {
  clearTimeout(lab.preparing);
  lab.preparing = setTimeout(() => {
    for (const at of [lab.moment.at - 2, lab.moment.at + 1]) if (at >= 0 && at <= lab.view.events) viewAt(at).catch(() => {});
  }, 30);
}

/** Another run of the same lesson: a setup that was edited, deeds that were done or taken back. */
const rerun = (change) => go(change.at === undefined ? lab.moment.at : change.at, { ...lab.moment, ...change });

const toBase64url = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const fromBase64url = (text) => new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)));

const address = () => `#l=${words.lang}&m=${toBase64url(JSON.stringify(compact(lab.moment)))}`;
function remember() {
  lab.address = address();
  try { history.replaceState(null, "", lab.address); } catch { /* some viewers forbid it */ }
}

/** The moment of an address; throws if there is one that cannot be read. */
function momentOf(hash) {
  const text = new URLSearchParams(hash.slice(1)).get("m");
  if (!text) return { ...lab.moment };
  const read = JSON.parse(text.startsWith("{") ? text : fromBase64url(text));
  if (read === null || typeof read !== "object" || Array.isArray(read)) throw new Error(text);
  return { lesson: read.lesson, setup: read.setup, deeds: Array.isArray(read.deeds) ? read.deeds : [], at: Number.isInteger(read.at) && read.at > 0 ? read.at : 0 };
}

/** The language of an address, else the reader's. */
function languageOf(hash) {
  const said = new URLSearchParams(hash.slice(1)).get("l");
  return LANGUAGES.includes(said) ? said : (navigator.language || "").toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** A message that stays until the next one, or nothing. */
function say(text) {
  $("message").hidden = !text;
  $("message").replaceChildren();
  if (text) $("message").append(make("span", "", text), button("close", () => say("")));
}

/** The setup that is run: the reader's, or the lesson's. */
const setupNow = () => lab.moment.setup || (lab.lesson && lab.lesson.setup) || {};
const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Segments of the ladder and the number by which a deed knows each. */
function frameOf(segment, of = lab.view) {
  const known = of.frames && of.frames[of.connection.segments.indexOf(segment)];
  return known === undefined ? null : known;
}

/** A window that is smaller than this stands in a segment's label: it may be what the sender waits for. */
const SMALL_WINDOW_BYTES = 8192;

/** A number of a header as it is, or counted from the side's initial one. */
function offsetOf(side, number) {
  const isn = lab.view.connection.isn[side];
  return view.raw || isn === null || isn === undefined ? number : (number - isn) | 0;
}
function segmentLabel({ from, flags, seq, ack, len, window }) {
  let text = `${flags.replace(/, /g, ",") || phrase("no-flags")} Seq=${offsetOf(from, seq)}`;
  if (ack !== null && ack !== undefined) text += ` Ack=${offsetOf(1 - from, ack)}`;
  if (len) text += ` Len=${len}`;
  return window < SMALL_WINDOW_BYTES && !flags.includes("RST") ? `${text} Win=${window}` : text;
}
