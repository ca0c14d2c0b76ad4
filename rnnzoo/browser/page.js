// The page: what is typed goes to the worker, and what comes back is shown. All of it is
// shown as text, whatever it holds.

const TYPING = 250; // milliseconds without a key before what was typed is answered
const STEP = 60; // milliseconds from one sorted number to the next
const SURE = 0.9; // probability below which the sorter says that it is unsure
const LARGEST_SHARE = 0.8; // of a colour behind a word
const SMALLEST_SHOWN = 0.05; // of the largest contribution, to have a colour

const element = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });
const latest = {}; // the last question to each model
let count = 0;

/** Asks a model; `show` gets what it says piece by piece, `end` an error or nothing. */
function ask(name, input, show, end) {
  count += 1;
  latest[name] = { id: count, show, end };
  worker.postMessage({ id: count, name, input });
}

/** Ends what a model is doing. */
function interrupt(name) {
  delete latest[name];
  worker.postMessage({ name });
}

worker.onmessage = ({ data }) => {
  if (data.failed) fail(data.failed);
  if (data.ready) begin[data.ready]();
  if (data.total) showLoading(data);
  const question = latest[data.name];
  if (!question || question.id !== data.id) return;
  if ("value" in data) question.show(data.value);
  else if (data.error && !data.isInput) fail(data.error);
  else question.end(data.error);
};
worker.onerror = (event) => fail(event.message);

function fail(message) {
  element("failure").textContent = `Something went wrong: ${message ?? "no models"}`;
}

function showLoading({ loaded, total }) {
  const megabytes = (bytes) => Math.round(bytes / 1e6);
  element("progress").value = loaded / total;
  element("loaded").textContent = `${megabytes(loaded)} of ${megabytes(total)} MB`;
}

function say(id, text, isWrong = false) {
  element(id).textContent = text;
  element(id).classList.toggle("wrong", isWrong);
}

/** Makes elements usable. */
function enable(...ids) {
  for (const id of ids) element(id).disabled = false;
}

/** Answers what is in a field, now and whenever it was changed. */
function answerTyped(id, answer) {
  let waiting;
  element(id).addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(answer, TYPING);
  });
  enable(id);
  answer();
}

const begin = {
  sorter: () => answerTyped("numbers", sort),
  sentiment_classifier: () => answerTyped("review", judge),
  tagger: () => answerTyped("sentence", label),
  language_model() {
    enable("prompt", "temperature", "length", "seed", "write");
    element("writing").addEventListener("submit", write);
    element("stop").addEventListener("click", () => {
      interrupt("language_model");
      stopped("Stopped.");
    });
    element("temperature").addEventListener("input", ({ target }) => {
      element("temperature-value").textContent = target.value;
    });
    element("loading").hidden = true;
    document.body.dataset.ready = "true";
  },
};

// Sorting

let growing;

function sort() {
  const isRight = (numbers, sorted) =>
    sorted.join() === numbers.toSorted((a, b) => a - b).join();
  element("numbers").removeAttribute("aria-invalid");
  ask(
    "sorter",
    { text: element("numbers").value },
    ({ numbers, sorted, confidence }) => {
      element("sorted").textContent = sorted.join(" ");
      element("given").replaceChildren(...numbers.map(bar));
      grow(sorted.map(bar));
      if (!sorted.length) return say("sorter-status", "");
      const share = (100 * confidence).toFixed(2);
      const verdict = isRight(numbers, sorted) ? "Right" : "Wrong";
      const doubt = confidence < SURE ? ", so it is unsure" : "";
      const belief = `It gave this a probability of ${share} %${doubt}.`;
      say("sorter-status", `${verdict}. ${belief}`);
    },
    (error) => {
      if (!error) return;
      element("sorted").textContent = "";
      element("numbers").setAttribute("aria-invalid", "true");
      say("sorter-status", error, true);
    },
  );
}

function bar(number) {
  const one = document.createElement("div");
  one.style.setProperty("--share", number / 32);
  return one;
}

/** Shows bars one after the other, as the network writes them. */
function grow(bars) {
  clearInterval(growing);
  element("bars").replaceChildren();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    element("bars").append(...bars);
    return;
  }
  growing = setInterval(() => {
    if (bars.length) element("bars").append(bars.shift());
    else clearInterval(growing);
  }, STEP);
}

// Judging

function judge() {
  element("words").setAttribute("aria-busy", "true");
  ask(
    "sentiment_classifier",
    { text: element("review").value },
    showJudgement,
    () => element("words").removeAttribute("aria-busy"),
  );
}

function showJudgement(said) {
  const { label, probability, words, known, leftOut, count, contributions, done } = said;
  const answer = `${label}, probability ${probability.toFixed(3)}`;
  if (element("label").textContent !== answer) element("label").textContent = answer;
  const largest = Math.max(...contributions.map(Math.abs)) || 1;
  const shown = words.map((word, place) => {
    const share = contributions[place] / largest;
    const one = wordElement(word, share, known[place]);
    one.title = `${signed(contributions[place])} nats`;
    return one;
  });
  if (leftOut) {
    const gap = document.createElement("span");
    gap.textContent = `[${leftOut} words that were not read]`;
    shown.splice(words.length - Math.floor(words.length / 2), 0, gap);
  }
  element("words").replaceChildren(...shown.flatMap((one) => [one, " "]));
  element("legend").hidden = false;
  element("top").hidden = done < count;
  if (done < count) return say("sentiment-status", `${done} of ${count} words tried`);
  const order = [...words.keys()].sort(
    (a, b) => Math.abs(contributions[b]) - Math.abs(contributions[a]),
  );
  const rows = order.slice(0, 5).map((place) => {
    const row = document.createElement("tr");
    row.insertCell().textContent = signed(contributions[place]);
    row.insertCell().textContent = words[place];
    return row;
  });
  element("top").tBodies[0].replaceChildren(...rows);
  say("sentiment-status", `All ${count} known words tried.`);
}

function wordElement(word, share, isKnown) {
  const one = document.createElement("span");
  one.textContent = word;
  return coloured(one, share, isKnown);
}

function coloured(one, share, isKnown = true) {
  one.className = "word";
  if (Math.abs(share) >= SMALLEST_SHOWN) {
    one.classList.add(share > 0 ? "for" : "against");
  }
  one.classList.toggle("unknown", !isKnown);
  one.style.setProperty("--strength", `${100 * LARGEST_SHARE * Math.abs(share)}%`);
  return one;
}

function signed(number) {
  return (number < 0 ? "−" : "+") + Math.abs(number).toFixed(3);
}

for (const one of document.querySelectorAll("[data-share]")) {
  coloured(one, Number(one.dataset.share));
}

// Tagging

function label() {
  ask("tagger", { text: element("sentence").value }, showTags, () => {});
}

function showTags({ text, words, tags, intent }) {
  const shown = [];
  let place = 0;
  for (const { start, end, tag, probability } of words) {
    shown.push(text.slice(place, start), tagged(text.slice(start, end), tag, tags));
    shown[shown.length - 1].title = `${tag}, probability ${probability.toFixed(3)}`;
    place = end;
  }
  element("tags").replaceChildren(...shown, text.slice(place));
  const sure = words.filter(({ probability }) => probability >= SURE).length;
  const belief = `${sure} of ${words.length} words are sure (probability ${SURE} or more).`;
  const whole = intent ? `${intent.tag}. ` : "";
  say("tagger-status", words.length ? whole + belief : "");
}

/** A word with its tag below it, both in the colour of what is tagged. */
function tagged(word, tag, tags) {
  const one = document.createElement("ruby");
  const name = document.createElement("rt");
  const labels = [...new Set(tags.map((each) => each.replace(/^[BIES]-/, "")))];
  const label = tag.replace(/^[BIES]-/, "");
  one.textContent = word;
  one.className = tag === "O" ? "word" : "word tag";
  one.dataset.tag = tag;
  one.style.setProperty("--hue", `${(360 * labels.indexOf(label)) / labels.length}`);
  if (tag !== "O") name.textContent = tag;
  one.append(name);
  return one;
}

// Writing

function write(event) {
  event.preventDefault();
  const text = element("text");
  text.textContent = element("prompt").value;
  text.setAttribute("aria-busy", "true"); // to be read aloud once it is whole
  say("language-status", "Writing");
  element("stop").disabled = false;
  ask(
    "language_model",
    {
      text: element("prompt").value,
      length: element("length").valueAsNumber,
      temperature: element("temperature").valueAsNumber,
      seed: element("seed").valueAsNumber,
    },
    (piece) => text.append(piece),
    (error) => stopped(error ?? "Done."),
  );
}

function stopped(message) {
  element("text").removeAttribute("aria-busy");
  element("stop").disabled = true;
  say("language-status", message);
}
