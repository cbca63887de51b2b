// The capture door: a file is dropped or chosen, explained, and its page is shown in a frame of its own.
//
// Who explains is a function `(file, options, progress) -> { page, cancel }`: a worker with the module, or the server that the
// page came from. `page` is a promise of the page as a Blob; it fails with words for the reader.

/** Explains files in a worker; `module` promises the WebAssembly module. */
function explainInWorker(module) {
  // Runs in the worker: fetches the file a piece at a time, as the module asks for it.
  const work = (instantiate) => {
    const PIECE_BYTES = 4 << 20;
    onmessage = async ({ data: { module, file, options } }) => {
      const reader = new FileReaderSync();
      let at = 0, piece = new Uint8Array(0), failure = "";
      const read = (room) => {
        try {
          if (piece.length === 0) {
            piece = new Uint8Array(reader.readAsArrayBuffer(file.slice(at, at + PIECE_BYTES)));
            at += piece.length;
            postMessage({ read: at });
          }
          const length = Math.min(piece.length, room.length);
          room.set(piece.subarray(0, length));
          piece = piece.subarray(length);
          return length;
        } catch (error) {
          failure = error.message;
          return -1;
        }
      };
      try {
        const instance = await instantiate(module, read);
        const answer = instance.ask("explain", options).slice();
        postMessage({ answer, failure }, [answer.buffer]);
      } catch (error) {
        postMessage({ panic: error.message });
      }
    };
  };
  return (file, options, progress) => {
    const source = URL.createObjectURL(new Blob([`"use strict";(${work})(${instantiate});`], { type: "text/javascript" }));
    const worker = new Worker(source);
    const page = new Promise((shown, failed) => {
      worker.onmessage = ({ data }) => {
        if (data.read !== undefined) progress(data.read);
        else if (data.panic !== undefined) failed(new Error(data.panic));
        else if (data.failure) failed(new Error(data.failure));
        else shown(data.answer);
      };
      worker.onerror = (event) => { event.preventDefault(); failed(new Error(event.message || "worker")); };
      worker.onmessageerror = () => failed(new Error("message"));
      module().then((module) => worker.postMessage({ module, file, options }), failed);
    });
    const end = () => { worker.terminate(); URL.revokeObjectURL(source); };
    return { page: page.then(pageOfAnswer).finally(end), cancel: end };
  };
}

/** Lets the server explain files, which is this machine's. */
function explainByServer(file, options, progress) {
  const request = new XMLHttpRequest();
  const page = new Promise((shown, failed) => {
    request.open("POST", `/explain?options=${encodeURIComponent(options)}`);
    request.responseType = "arraybuffer";
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => shown(new Uint8Array(request.response));
    request.onerror = () => failed(new Error(""));
    request.send(file);
  });
  return { page: page.then(pageOfAnswer), cancel: () => request.abort() };
}

/** An answer is a page, which begins with `<`, or an error in JSON. */
function pageOfAnswer(answer) {
  if (answer[0] === "<".charCodeAt(0)) return new Blob([answer], { type: "text/html" });
  let words = new TextDecoder().decode(answer);
  try { words = JSON.parse(words).error || words; } catch { /* A server in between has other words. */ }
  throw new Error(words);
}

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** Opens the door: `open` explains a file and shows its page, and promises whether that went well; `shown` is that page. */
function captureDoor(explain) {
  let running = null, address = null, blob = null;

  const show = (name) => {
    for (const part of ["open", "busy", "shown"]) $(`door-${part}`).hidden = part !== name;
    $("door-error").hidden = true;
  };
  const tell = (words) => { $("door-error").textContent = words; $("door-error").hidden = false; };

  function close() {
    if (running) running.cancel();
    running = null;
    $("door-page").removeAttribute("src");
    if (address) URL.revokeObjectURL(address);
    address = blob = null;
    $("door-file").value = "";
    show("open");
  }

  function doing(file, bytes) {
    const what = phrase(bytes < file.size ? "door.reading" : "door.explaining", { name: file.name });
    $("door-doing").textContent = `${what} ${size(bytes)} / ${size(file.size)}`;
    $("door-progress").value = file.size ? bytes / file.size : 1;
  }

  function shown(file, page) {
    blob = page;
    address = URL.createObjectURL(page);
    show("shown");
    $("door-name").textContent = file.name;
    Object.assign($("door-save"), { href: address, download: `${file.name}.html` });
    Object.assign($("door-page"), { title: file.name, src: address });
  }

  async function open(file) {
    close();
    show("busy");
    doing(file, 0);
    const options = JSON.stringify({ name: file.name, lang: words.lang });
    const mine = running = explain(file, options, (bytes) => { if (running === mine) doing(file, bytes); });
    let page = null, failure = null;
    try { page = await mine.page; } catch (error) { failure = error; }
    // It was cancelled, or another file came.
    if (running !== mine) return false;
    running = null;
    if (page) { shown(file, page); return true; }
    show("open");
    tell(failure.message || phrase("gone"));
    return false;
  }

  const isFile = (event) => event.dataTransfer !== null && event.dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (e) => { if (isFile(e)) { e.preventDefault(); document.body.classList.add("dragging"); } });
  document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) document.body.classList.remove("dragging"); });
  document.addEventListener("drop", (e) => {
    if (!isFile(e)) return;
    e.preventDefault();
    document.body.classList.remove("dragging");
    $("door").scrollIntoView({ block: "start" });
    if (e.dataTransfer.files.length === 1) open(e.dataTransfer.files[0]); else tell(phrase("door.one"));
  });
  $("door-file").onchange = () => { if ($("door-file").files.length) open($("door-file").files[0]); };
  $("door-cancel").onclick = close;
  $("door-close").onclick = close;
  $("door-private").dataset.word = isServed() ? "door.private.served" : "door.private";
  show("open");
  return { open, close, shown: () => blob };
}
