// The words of the page: every text is an answer of the laboratory, by its key. Elements name their keys:
// `data-word` is what they say, `data-name` their title and name, `data-label` their name, `data-hint` a placeholder.
const LANGUAGES = ["en", "zh"];
const words = { lang: "en", table: {} };

/** The text of this key, with `{name}`s filled in. A key without a text shows itself, so that a test sees it. */
function phrase(key, values) {
  const text = words.table[key];
  if (text === undefined) return key;
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (values[name] === undefined ? whole : values[name])) : text;
}
/** The text of a key that may be missing. */
const phraseOr = (key, other) => (words.table[key] === undefined ? other : words.table[key]);

async function setLanguage(lang) {
  words.lang = LANGUAGES.includes(lang) ? lang : "en";
  words.table = await ask({ ask: "words", lang: words.lang });
  // Report's scripts read their own words from one table, whatever its language.
  if (typeof WORDS === "object" && WORDS[words.lang]) Object.assign(WORDS, WORDS[words.lang]);
  document.documentElement.lang = words.lang === "zh" ? "zh-CN" : "en";
  const other = LANGUAGES.find((l) => l !== words.lang);
  Object.assign($("language"), { textContent: other === "zh" ? "中文" : "English", lang: other });
  for (const e of document.querySelectorAll("[data-word]")) e.textContent = phrase(e.dataset.word);
  for (const e of document.querySelectorAll("[data-name]")) { e.title = phrase(e.dataset.name); e.setAttribute("aria-label", phrase(e.dataset.name)); }
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", phrase(e.dataset.label));
  for (const e of document.querySelectorAll("[data-hint]")) e.placeholder = phrase(e.dataset.hint);
  document.title = phrase("title");
}

/** The name of a host, in the language of the page. */
const hostName = (side) => phrase(`host.${side}`);

/** A button of a key, with what it does. */
function button(key, act, values) {
  const b = make("button", "", phrase(key, values));
  b.type = "button";
  b.onclick = act;
  return b;
}
