// The ways into the capture door and out of the laboratory: a moment as a capture, saved or opened in the lens, or shared.
let captures = null;

/** Explains a capture and shows its page. */
async function openCapture(bytes, name) {
  $("door").scrollIntoView({ block: "start" });
  return captures.open(new File([bytes], name));
}
// For whoever drives the page from outside.
window.synfin = { openCapture, call: (question) => answerTo(question), shown: () => captures.shown() };

/** The moment as a capture: its name and its bytes. */
async function pcap() {
  const { name, base64 } = await ask({ ask: "pcap", moment: compact(lab.moment) });
  return { name, bytes: Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)) };
}

async function savePcap() {
  const { name, bytes } = await pcap(), link = make("a"), url = URL.createObjectURL(new Blob([bytes], { type: "application/vnd.tcpdump.pcap" }));
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

async function openInLens() {
  const { name, bytes } = await pcap();
  await openCapture(bytes, name);
}

function listenToDoor() {
  captures = captureDoor(isServed() ? explainByServer : explainInWorker(module));
  $("to-door").onclick = () => { $("door").scrollIntoView({ block: "start" }); $("door-file").focus({ preventScroll: true }); };
}

async function share() {
  const url = location.href.split("#")[0] + lab.address;
  try { await navigator.clipboard.writeText(url); say(phrase("share.done")); } catch { say(`${phrase("share.by-hand")} ${url}`); }
}
