// Shows what the lab says. Each message is the whole state: a browser that missed some has missed nothing.

import { peakOf } from "./chart.js";
import "./column.js";
import * as controls from "./controls.js";
import * as experiment from "./experiment.js";

// The lab says something every second. After a silence of so long it stands still, or the machine slept.
const SILENCE_MS = 4000;

const connection = document.querySelector("#connection");
const columns = document.querySelector("#columns");

function connected(text, isLost) {
  connection.classList.toggle("lost", isLost);
  if (connection.textContent !== text) connection.textContent = text;
}

function show(state) {
  while (columns.children.length < state.columns.length) {
    columns.append(document.createElement("lab-column"));
  }
  const peak = peakOf(state.columns.flatMap((view) => view.seconds.map((second) => second.ends)));
  state.columns.forEach((view, index) => columns.children[index].show(view, peak));
  controls.show(state, experiment.show(state.playing));
}

const catalog = await (await fetch("catalog")).json();
for (const note of catalog.notes) {
  const item = document.createElement("li");
  item.textContent = note;
  document.querySelector("#notes").append(item);
}
controls.leaveOut(catalog.left_out);
controls.start();
experiment.start(catalog.experiments);

// The terminal may have named one. What is above it has its size once the steps are there.
let wanted = new URLSearchParams(location.search).get("experiment");

let heard = Date.now();
function hear() {
  heard = Date.now();
  connected(`Each step counts in ${catalog.redis}.`, false);
}

const source = new EventSource("events");
source.addEventListener("heartbeat", hear);
source.addEventListener("message", (event) => {
  hear();
  show(JSON.parse(event.data));
  if (wanted) experiment.open(wanted);
  wanted = null;
});
source.addEventListener("error", () => {
  const ended = source.readyState === EventSource.CLOSED;
  connected(
    ended
      ? "The lab refuses this page: open the address that the terminal shows."
      : "The lab does not answer; what you see is old. If it has ended: cargo xtask lab. The page tries again.",
    true,
  );
});

setInterval(() => {
  if (source.readyState === EventSource.OPEN && Date.now() - heard > SILENCE_MS) {
    connected("The lab is silent; what you see is old. The page goes on as soon as the lab does.", true);
  }
}, SILENCE_MS / 4);
