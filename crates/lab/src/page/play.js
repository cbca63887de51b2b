// Going through a run: a step on, a step back, playing.
const play = { on: false, speed: 1, frame: null, heading: null };
const SPEEDS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16];

/** How long a span of virtual time is shown, in milliseconds: what happens at once is shown one after the other. */
function shownFor(span) {
  const journeys = span / Math.max(wireDelay(), 0.002);
  return Math.min(2600, 420 + 900 * Math.min(1, journeys) + 160 * Math.max(0, Math.log2(Math.max(1, journeys))));
}

function cancelMotion() {
  if (play.frame !== null) cancelAnimationFrame(play.frame);
  clearTimeout(play.timer);
  play.frame = null;
  play.timer = undefined;
  play.heading = null;
}

/** The event that is shown, or will be in a moment: so that each of several quick presses counts. */
const heading = () => (play.heading === null ? lab.moment.at : play.heading);

/** Shows an event. */
function arrive(at) {
  play.heading = at;
  return go(at).catch((error) => say(error.message)).finally(() => { if (play.heading === at) play.heading = null; });
}

function stop() {
  play.on = false;
  cancelMotion();
  if (lab.view) { lab.clock = lab.view.time; drawPlay(); }
}

/** Lets the clock run to the next event, then shows it. */
function runTo(span, then) {
  const from = lab.view.time, to = lab.view.next;
  if (reducedMotion()) { play.timer = setTimeout(then, play.on ? span : 0); return; }
  const begun = performance.now();
  const frame = (at) => {
    const part = Math.min(1, Math.max(0, (at - begun) / span));
    lab.clock = from + (to - from) * part;
    if (part >= 1) { play.frame = null; then(); return; }
    drawMoving();
    play.frame = requestAnimationFrame(frame);
  };
  play.frame = requestAnimationFrame(frame);
}

const hasNext = () => lab.view && lab.view.next !== null && lab.view.next !== undefined;

/** One event on, with the way there; while one is under way, at once. */
function step() {
  const hurry = play.heading !== null, next = Math.min(heading() + 1, lab.view.events);
  play.on = false;
  cancelMotion();
  drawPlay();
  if (!hurry && !hasNext()) return Promise.resolve();
  play.heading = next;
  viewAt(next).catch(() => {});
  if (hurry || reducedMotion() || lab.view.next === lab.view.time) return arrive(next);
  return new Promise((done) => runTo(Math.min(450, shownFor(lab.view.next - lab.view.time) / 3), () => arrive(next).then(done)));
}

function jumpTo(at) {
  stop();
  return arrive(at);
}
const back = () => jumpTo(Math.max(0, heading() - 1));

function playOn() {
  if (!play.on) return;
  if (!hasNext()) { stop(); return; }
  const next = lab.moment.at + 1;
  viewAt(next).catch(() => {});
  runTo(shownFor(lab.view.next - lab.view.time) / play.speed, async () => {
    try { await go(next); } catch (error) { stop(); say(error.message); return; }
    playOn();
  });
}

async function togglePlay() {
  if (play.on) { stop(); drawMoving(); return; }
  if (!hasNext()) await go(0);
  play.on = true;
  drawPlay();
  playOn();
}

function setSpeed(by) {
  play.speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, SPEEDS.indexOf(play.speed) + by))];
  drawPlay();
}

function drawPlay() {
  $("play").textContent = play.on ? `❚❚ ${phrase("pause")}` : `▶ ${phrase("play")}`;
  $("play").setAttribute("aria-pressed", play.on);
  $("speed").textContent = `× ${play.speed}`;
  const { at } = lab.moment, slider = $("slider");
  slider.max = lab.view.events;
  slider.value = at;
  slider.setAttribute("aria-valuetext", phrase("clock", { time: lab.view.time.toFixed(6), at, events: lab.view.events }));
  for (const id of ["to-start", "back"]) $(id).disabled = at === 0;
  for (const id of ["to-end", "step"]) $(id).disabled = !hasNext();
}
