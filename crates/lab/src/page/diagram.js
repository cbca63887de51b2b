// The states of a host: a small diagram of the rows that the engine moves by, laid out by hand.
const BOX = { width: 94, height: 22 };
/** Where each state stands: the middle of its box. CLOSED is there twice: connections begin above and end below. */
const PLACES = {
  "CLOSED": [160, 14], "LISTEN": [160, 50], "SYN-RECEIVED": [52, 86], "SYN-SENT": [268, 86], "ESTABLISHED": [160, 122],
  "FIN-WAIT-1": [52, 158], "CLOSE-WAIT": [268, 158], "CLOSING": [160, 182], "FIN-WAIT-2": [52, 222], "TIME-WAIT": [160, 222], "LAST-ACK": [268, 222],
};
const CLOSED_BELOW = [160, 258];
/** These begin a connection, so their CLOSED is the upper one. */
const BEGINNINGS = ["LISTEN", "SYN-SENT", "SYN-RECEIVED"];

const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const placeOf = (state, other) => (state === "CLOSED" && other && !BEGINNINGS.includes(other) ? CLOSED_BELOW : PLACES[state]);

/** The point of a box's border towards another point. */
function border([x, y], [tx, ty]) {
  const dx = tx - x, dy = ty - y, scale = Math.min(dx ? (BOX.width / 2 + 1) / Math.abs(dx) : Infinity, dy ? (BOX.height / 2 + 1) / Math.abs(dy) : Infinity);
  return [x + dx * scale, y + dy * scale];
}

/** An arrow between two states; those in both directions lie beside each other. */
function arrow(from, to, cls) {
  let a = placeOf(from, to), b = placeOf(to, from);
  const away = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1, shift = lab.diagram.pairs.has(`${to} ${from}`) ? 4 : 0;
  const side = [(-(b[1] - a[1]) / away) * shift, ((b[0] - a[0]) / away) * shift];
  [a, b] = [[a[0] + side[0], a[1] + side[1]], [b[0] + side[0], b[1] + side[1]]];
  const [x1, y1] = border(a, b), [x2, y2] = border(b, a), angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  return svg("g", { class: `edge ${cls}` }, svg("line", { x1, y1, x2, y2 }), svg("path", { d: "M0 0L-7 -3.5L-7 3.5Z", transform: `translate(${x2} ${y2}) rotate(${angle})` }));
}

/** The pairs of states between which there is a row, without the abnormal ends, which lead to CLOSED from everywhere. */
function readDiagram(answer) {
  const pairs = new Map();
  for (const row of answer.rows) {
    if (row.to === "CLOSED" && !["LISTEN", "SYN-SENT", "LAST-ACK", "TIME-WAIT"].includes(row.from)) continue;
    if (row.from === "TIME-WAIT" && row.to === "SYN-RECEIVED") continue;
    if (row.from !== row.to) pairs.set(`${row.from} ${row.to}`, [row.from, row.to]);
  }
  lab.diagram = { ...answer, pairs };
}

/** The diagram of a connection: where it is, the arrow that it took last, those that may come next. */
function diagramElement(state, taken, next, pick) {
  const root = svg("svg", { viewBox: "0 0 320 272", class: "diagram", role: "group", "aria-label": phrase("diagram.of", { state }) });
  const later = new Set(next.map((row) => `${row.from} ${row.to}`)), last = taken && taken.from !== taken.to ? `${taken.from} ${taken.to}` : null;
  const edges = [...lab.diagram.pairs.entries()].filter(([key]) => key !== last);
  for (const [key, [from, to]] of edges) if (!later.has(key)) root.append(arrow(from, to, ""));
  for (const [key, [from, to]] of edges) if (later.has(key)) root.append(arrow(from, to, "next"));
  // A way out from the middle passes below the boxes, whose names stay readable.
  if (last !== null) root.append(arrow(taken.from, taken.to, "taken"));
  const boxes = [...Object.entries(PLACES), ["CLOSED", CLOSED_BELOW]];
  const begun = last !== null;
  for (const [name, [x, y]] of boxes) {
    const isBelow = name === "CLOSED" && y === CLOSED_BELOW[1];
    const here = name === state && (name !== "CLOSED" || isBelow === (begun && !BEGINNINGS.includes(taken.from)));
    const box = svg("g", { class: `state-box${here ? " here" : ""}`, role: "button", tabindex: isBelow ? -1 : 0, "aria-label": phrase(here ? "state.here" : "state.of", { state: name }), style: `--c: var(--${STATE_COLOR[name] || "grey"})` },
      svg("rect", { x: x - BOX.width / 2, y: y - BOX.height / 2, width: BOX.width, height: BOX.height, rx: 6 }), svg("text", { x, y: y + 3.6, "text-anchor": "middle" }, name));
    box.onclick = () => pick(name);
    box.onkeydown = (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); e.stopPropagation(); pick(name); } };
    root.append(box);
  }
  return root;
}

/** `9293#3.10.7.4` as a link that is followed only when it is clicked. */
function sectionLink(section) {
  const [rfc, part] = (section || "").split("#");
  if (!rfc) return "";
  const link = make("a", "section", `RFC ${rfc}${part ? ` §${part}` : ""}`);
  link.href = `https://www.rfc-editor.org/rfc/rfc${rfc}${part ? `#section-${part}` : ""}`;
  link.target = "_blank";
  link.rel = "noreferrer";
  return link;
}

const rowText = (row) => (row.sends ? `${row.on} / ${row.sends}` : row.on);
const stateAbout = (name) => lab.diagram.states.find((s) => s.name === name) || {};

/** A state in a window of its own: why it is there, and what may happen in it. */
function showState(name) {
  const about = stateAbout(name), rows = lab.diagram.rows.filter((row) => row.from === name);
  const list = make("ul", "rows", null, ...rows.map((row) => make("li", "", null, make("span", "mono", rowText(row)), " → ", make("b", "", row.to), " ", sectionLink(row.section), make("div", "dim", row.about || ""))));
  openMenu([make("h2", "", name), make("p", "", about.about || ""), sectionLink(about.section), make("h3", "", phrase("state.next")), list], null, name);
}
