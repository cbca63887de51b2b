// The lesson: its text, its questions, and the list of all lessons.

async function openLesson(id, moment) {
  stop();
  lab.lesson = await ask({ ask: "lesson", id, lang: words.lang });
  lab.chosen = [null, null];
  lab.picked = null;
  await go(moment ? moment.at : 0, moment || { lesson: lab.lesson.id, setup: undefined, deeds: [], at: 0 });
  drawLesson();
}

function drawLesson() {
  const { id, title, text, questions, figures } = lab.lesson, place = lab.lessons.findIndex((l) => l.id === id);
  $("lessons").textContent = phrase("lesson.of", { number: (lab.lessons[place] || {}).number || place + 1, title });
  $("lesson-title").textContent = title;
  $("lesson-about").textContent = (lab.lessons[place] || {}).about || "";
  $("lesson-text").replaceChildren(...(text || []).map((p) => make("p", "", p)));
  $("questions").replaceChildren(...(questions || []).map(questionElement));
  $("figures").replaceChildren(...((figures || []).length ? [make("h3", "", phrase("figures")), make("ul", "", null, ...figures.map((f) => make("li", "", typeof f === "string" ? f : f.text || f.title || "")))] : []));
  $("lesson-list").querySelector("ol").replaceChildren(...lab.lessons.map((l) => {
    const b = make("button", "", null, make("span", "dim", `${l.number}`), make("b", "", l.title), make("span", "dim", l.about || ""));
    b.onclick = () => { $("lesson-list").close(); openLesson(l.id).catch((error) => say(error.message)); };
    if (l.id === id) b.setAttribute("aria-current", "true");
    return make("li", "", null, b);
  }));
}

function questionElement({ id, question, hint, choices }, number) {
  const said = make("p", "said-why"), box = make("fieldset", "question", null, make("legend", "", `${number + 1}. ${question}`));
  said.setAttribute("aria-live", "polite");
  const buttons = (choices || []).map((choice, i) => {
    const b = make("button", "choice", choice);
    b.onclick = async () => {
      try {
        const { right, why } = await ask({ ask: "answer", moment: compact(lab.moment), question: id, choice: i, lang: words.lang });
        for (const other of buttons) other.classList.remove("right-one", "wrong-one");
        b.classList.add(right ? "right-one" : "wrong-one");
        said.replaceChildren(make("b", right ? "good" : "bad", phrase(right ? "answer.right" : "answer.wrong")), ` ${why}`);
      } catch (error) { said.textContent = error.message; }
    };
    return b;
  });
  box.append(make("div", "choices", null, ...buttons));
  if (hint) box.append(make("details", "", null, make("summary", "", phrase("hint.show")), make("p", "dim", hint)));
  box.append(said);
  return box;
}

/** The events of this run that are worth stopping at, below the slider; of a run that was changed they are asked for. */
async function drawMarks() {
  const isChanged = lab.moment.setup || lab.moment.deeds.length, run = JSON.stringify([words.lang, compact({ ...lab.moment, at: 0 })]);
  if (lab.marksOf === run) return;
  lab.marksOf = run;
  let marks = lab.lesson.marks || [];
  if (isChanged) {
    try { ({ marks } = await ask({ ask: "marks", moment: compact(lab.moment), lang: words.lang })); } catch { marks = []; }
    if (lab.marksOf !== run) return;
  }
  const events = Math.max(1, lab.view.events);
  $("marks").replaceChildren(...marks.map(({ at, text }) => {
    const b = make("button", "mark-at");
    b.style.left = `${(at / events) * 100}%`;
    b.title = text;
    b.setAttribute("aria-label", phrase("mark", { text, at }));
    b.onclick = () => { stop(); go(at).catch((error) => say(error.message)); };
    return b;
  }));
}
