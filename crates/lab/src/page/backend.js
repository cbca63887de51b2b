// Who answers: the server that the page came from, or a WebAssembly module that stands in the page.
const backend = { ask: null, module: null };
const isServed = () => $("module").dataset.backend === "http";

/** The answer to a question as it comes, both in JSON. */
async function answerTo(question) {
  backend.ask = backend.ask || (isServed() ? server() : module().then(laboratoryOf));
  return (await backend.ask)(question);
}

/** The answer to a question of the laboratory; throws what the laboratory says is wrong. */
async function ask(question) {
  const answer = JSON.parse(await answerTo(JSON.stringify(question)));
  if (answer.error !== undefined) throw Object.assign(new Error(answer.error), { answer });
  return answer;
}

async function server() {
  return async (question) => {
    let response;
    try {
      response = await fetch("/call", { method: "POST", headers: { "content-type": "application/json" }, body: question });
    } catch {
      throw new Error(phrase("gone"));
    }
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return response.text();
  };
}

/** The WebAssembly module of the page, compiled once. */
const module = () => backend.module = backend.module || unpackModule($("module").textContent.trim());
