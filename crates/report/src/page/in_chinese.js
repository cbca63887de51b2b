// Opens what a page can show, and writes all its texts, also those of hints, into the document.
window.requestAnimationFrame = (draw) => setTimeout(() => draw(0), 1);
addEventListener("load", () => {
  const said = new Set();
  const frame = () => new Promise((done) => setTimeout(done, 60));
  const collect = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!["SCRIPT", "STYLE"].includes(walker.currentNode.parentElement.tagName)) said.add(walker.currentNode.textContent.trim());
    for (const element of document.querySelectorAll("body *")) {
      for (const name of ["title", "aria-label", "placeholder"]) if (element.hasAttribute(name)) said.add(element.getAttribute(name));
    }
  };
  // What is drawn on the canvas is text as well.
  const draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { if (!/^[0-9.]*$/.test(text)) said.add(String(text)); draw.call(this, text, ...rest); };
  (async () => {
    await frame();
    collect();
    document.querySelector("#connections .conn").click();
    await frame();
    collect();
    document.querySelectorAll("details").forEach((all) => { all.open = true; });
    document.querySelector("#ladder .row").click();
    collect();
    const cut = [...document.querySelectorAll("#ladder .row .line")].filter((line) => line.scrollWidth > line.clientWidth + 1);
    said.add(`cut=${cut.length}`);
    document.getElementById("direction").click();
    document.getElementById("numbers").click();
    document.getElementById("theme").click();
    const canvas = document.getElementById("canvas"), box = canvas.getBoundingClientRect();
    for (let y = 5; y < box.height; y += 9) {
      for (let x = 120; x < box.width; x += 40) { canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true })); said.add(document.getElementById("tip").textContent); }
    }
    await frame();
    collect();
  })().catch((error) => said.add(`error=${error}`)).finally(() => {
    const result = document.createElement("pre");
    result.id = "result";
    result.textContent = [...said].filter((text) => text.length < 2000).join("\n");
    document.body.append(result);
  });
});
