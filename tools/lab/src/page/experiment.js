// An experiment: the question, the guess, and the verdict.

import { inWords, peakOf } from "./chart.js";
import { ask } from "./controls.js";

const SAMPLE_MS = 100;
const LINES = ["what happened", "what it means", "mended by"];

const section = document.querySelector("#experiment");
const form = section.querySelector("form");
const played = section.querySelector("#played");
const stop = section.querySelector("#stop");
const run = form.querySelector("button:not([type])");

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

const { name, guess } = form.elements;

export function start(experiments) {
  for (const { name: one, steps, missing } of experiments) {
    const option = element("option", "", `${one} (steps ${steps.join(", ")})${missing ? ": not here" : ""}`);
    option.value = one;
    name.append(option);
  }
  const choose = () => {
    const { question, watch, missing } = experiments.find((one) => one.name === name.value);
    section.querySelector("#question").textContent = question;
    const here = `Look at ${watch}.`;
    section.querySelector("#watch").textContent = missing ? `It ${missing}` : here;
  };
  name.addEventListener("change", choose);
  choose();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (run.getAttribute("aria-disabled") === "true") return;
    const request = { do: "experiment", name: name.value, guess: guess.value };
    if (await ask(request, `${name.value} begins; the visitors of the lab wait`)) guess.value = "";
  });
  stop.addEventListener("click", () => {
    if (stop.getAttribute("aria-disabled") !== "true") ask({ do: "stop-experiment" }, "it stops");
  });
}

// Chooses an experiment, and shows its question to whoever came for it.
export function open(wanted) {
  const option = [...name.options].find(({ value }) => value === wanted);
  if (!option) return;
  option.selected = true;
  name.dispatchEvent(new Event("change"));
  guess.focus({ preventScroll: true });
  section.scrollIntoView();
}

const isUnderWay = (playing) => ["starts", "runs"].includes(playing?.state);

let shown = "";
export function show(playing) {
  const underWay = isUnderWay(playing);
  run.setAttribute("aria-disabled", String(underWay));
  stop.setAttribute("aria-disabled", String(!underWay));
  const now = JSON.stringify(playing);
  if (!playing || now === shown) return underWay;
  shown = now;
  played.hidden = false;
  const state = underWay ? "is played" : "";
  const head = element("h3", "", `${playing.name} ${state}`);
  const bars = playing.columns.map(({ series }) => barsOf(series));
  const peak = peakOf(bars.flat());
  const columns = element("div", "played-columns");
  columns.append(...playing.columns.map((column, index) => columnOf(playing, column, bars[index], peak)));
  played.replaceChildren(head, element("p", "question", playing.question));
  const guess = playing.guess || "nothing";
  played.append(element("p", "guessed", `You guessed: ${guess}`));
  if (playing.what) played.append(element("p", "what", playing.what));
  played.append(columns);
  return underWay;
}

function barsOf({ answered, refused, failed, silent }) {
  return answered.map((count, index) => [count, refused[index], failed[index], silent[index]]);
}

function columnOf(playing, { name, events, verdict }, bars, peak) {
  const column = element("div", "played");
  column.append(element("h3", "", name));
  const chart = element("lab-chart");
  const marks = events.map(({ at, is_well: isWell }) => ({ place: at / playing.lasts, ill: isWell === false }));
  const label = `${name}. ${inWords(bars, "in a tenth of a second")}`;
  const slots = Math.max(playing.lasts / SAMPLE_MS, bars.length);
  chart.show({ bars, slots, peak, marks, unit: "visits in 0.1 s", label, grows: true });
  column.append(chart);
  const done = element("ol", "events");
  for (const { at, what, is_well: isWell } of events.slice(-8)) {
    done.append(element("li", isWell === false ? "ill" : "", `${(at / 1000).toFixed(1)} s: ${what}`));
  }
  column.append(done);
  if (!verdict) return column;
  const kind = verdict.surprises.length ? "surprises" : verdict.defects.length ? "breaks" : "holds";
  column.classList.add(kind);
  column.append(element("p", "words", verdict.words));
  const list = element("dl");
  verdict.lines.forEach((line, index) => list.append(element("dt", "", LINES[index]), element("dd", "", line)));
  for (const surprise of verdict.surprises) {
    list.append(element("dt", "", "surprise"), element("dd", "wrong", surprise));
  }
  column.append(list);
  return column;
}
