// Uses the page as a person would, and writes the results into the document.
// A headless browser may draw no frames, but the order of events is the same.
window.requestAnimationFrame = (draw) => setTimeout(() => draw(0), 1);
addEventListener("load", () => {
  const said = [];
  const say = (name, value) => said.push(`${name}=${value}`);
  const text = (id) => document.getElementById(id).textContent;
  const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const type = (id, value) => { const input = document.getElementById(id); input.value = value; input.dispatchEvent(new Event("input")); };
  const canvas = document.getElementById("canvas");
  const point = (kind, x, y) => {
    const box = canvas.getBoundingClientRect();
    canvas.dispatchEvent(new PointerEvent(kind, { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true }));
  };
  canvas.setPointerCapture = () => {};
  const colors = () => {
    const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size;
  };
  const frame = () => new Promise((done) => setTimeout(done, 60));
  (async () => {
    await frame();
    say("connections", document.querySelectorAll("#connections .conn").length);
    say("findings", document.querySelectorAll("#findings li").length);
    document.querySelector("#connections .conn").click();
    await frame();
    say("drawn", colors() > 12);
    say("few", document.querySelectorAll("#ladder .row").length < 100);
    const whole = text("range");
    say("whole", whole);
    point("pointerdown", 300, 120);
    point("pointermove", 600, 120);
    point("pointerup", 600, 120);
    await frame();
    say("zoomed", text("range") !== whole && /^6\d\.\d ms – 1\d\d ms$/.test(text("range")));
    press("0");
    await frame();
    say("unzoomed", text("range"));
    point("pointermove", 400, 20);
    say("hover", text("tip").split("\n")[0]);
    type("segment-filter", "fast-retransmit");
    say("filtered", text("segment-count"));
    // Reasons are neither cut nor wider than their column, and nothing scrolls sideways.
    const box = document.getElementById("ladder");
    const cut = [...document.querySelectorAll("#ladder .row .line")].filter((line) => line.scrollWidth > line.clientWidth + 1);
    const low = [...document.querySelectorAll("#ladder .row")].filter((row) => row.scrollHeight > row.clientHeight + 1);
    say("cut", cut.length + low.length + (box.scrollWidth > box.clientWidth ? 1000 : 0));
    press("j");
    press("j");
    say("inspected", text("inspector").includes("fast_retransmission"));
    type("segment-filter", "");
    [...document.querySelectorAll("#findings button")].find((b) => b.textContent === "frame 61").click();
    await frame();
    say("jumped", document.querySelector("#ladder .row.picked .num").textContent);
    press("a");
    say("raw", document.getElementById("numbers").textContent);
    press("t");
    press("t");
    await frame();
    say("theme", document.documentElement.dataset.theme);
    type("connection-filter", "alert");
    say("hostile", document.querySelectorAll("#connections .conn").length);
    press("n");
    say("next", text("head").includes("alert(1)"));
    say("scripts", document.querySelectorAll("script").length);
  })().catch((error) => say("error", error)).finally(() => {
    const result = document.createElement("pre");
    result.id = "result";
    result.textContent = said.join("\n");
    document.body.append(result);
  });
});
addEventListener("error", (event) => { document.title = `error: ${event.message}`; });
