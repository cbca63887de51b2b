// The WebAssembly module: unpacked once, and instances of it that answer texts. The functions that a worker needs, too, use
// nothing but each other, because their text is its source.

/** The module, from gzipped bytes in base64. */
async function unpackModule(base64) {
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(unpacked).arrayBuffer());
}

/** An instance; `read` fills room with the next bytes of a file. What goes wrong inside is an `Error` with its words. */
async function instantiate(module, read) {
  let panic = "", memory = null;
  const bytes = (at, length) => new Uint8Array(memory.buffer, at >>> 0, length >>> 0);
  const panicked = (at, length) => { panic = new TextDecoder().decode(bytes(at, length)); };
  const imports = { page: { read: (at, length) => read(bytes(at, length)), panicked } };
  const { exports } = await WebAssembly.instantiate(module, imports);
  memory = exports.memory;
  /** The bytes of an answer. They lie in the module, and are valid until it is asked again. */
  const ask = (name, question) => {
    try {
      const asked = new TextEncoder().encode(question);
      bytes(exports.question(asked.length), asked.length).set(asked);
      const length = exports[name]();
      return bytes(exports.answer(), length);
    } catch (error) {
      throw new Error(panic || String(error));
    }
  };
  return { ask };
}

/** Answers questions as JSON. After a panic the answer is an error, and the next question is for a new instance. */
function laboratoryOf(module) {
  let instance = null;
  return async (question) => {
    const asked = instance ??= await instantiate(module, () => -1);
    try {
      return new TextDecoder().decode(asked.ask("call", question));
    } catch (error) {
      instance = null;
      return JSON.stringify({ error: error.message });
    }
  };
}
