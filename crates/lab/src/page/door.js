// The door for captures. What reads them is told by `window.synfin.openCapture`; here is who calls it.
window.synfin = window.synfin || {};

async function openCapture(bytes, name) {
  $("door").scrollIntoView({ block: "start" });
  if (!window.synfin.openCapture) { $("door-state").textContent = word("door.none"); return; }
  try { await window.synfin.openCapture(bytes, name); } catch (error) { $("door-state").textContent = error.message; }
}

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

async function openFile(file) {
  if (file) await openCapture(new Uint8Array(await file.arrayBuffer()), file.name);
}

function listenToDoor() {
  $("door-file").onchange = () => openFile($("door-file").files[0]);
  $("to-door").onclick = () => { $("door").scrollIntoView({ block: "start" }); $("door-file").focus({ preventScroll: true }); };
  document.addEventListener("dragover", (e) => { e.preventDefault(); document.body.classList.add("dragging"); });
  document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) document.body.classList.remove("dragging"); });
  document.addEventListener("drop", (e) => { e.preventDefault(); document.body.classList.remove("dragging"); openFile(e.dataTransfer.files[0]); });
}

async function share() {
  const url = location.href.split("#")[0] + lab.address;
  try { await navigator.clipboard.writeText(url); say(word("share.done")); } catch { say(`${word("share.by-hand")} ${url}`); }
}
