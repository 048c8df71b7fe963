// Buttons and fields, and what they ask the lab for.

const said = document.querySelector("#said");

// Asks the lab for something, and says whether it does it.
export async function ask(request, words) {
  let answer;
  try {
    answer = await fetch("do", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
  } catch {
    answer = { ok: false, text: async () => "the lab does not answer" };
  }
  said.classList.toggle("refused", !answer.ok);
  said.textContent = answer.ok ? `Done: ${words}.` : `Not done: ${await answer.text()}`;
  return answer.ok;
}

const isOff = (button) => button.getAttribute("aria-disabled") === "true";
const setOff = (button, off) => button.setAttribute("aria-disabled", String(off));
const number = (field) => Number(field.value);

// A button that can do nothing now keeps the focus, so that the keyboard does not lose its place.
function onPress(button, act) {
  button.addEventListener("click", () => {
    if (isOff(button)) {
      said.classList.remove("refused");
      said.textContent = `${button.textContent}: that makes no difference now.`;
    } else {
      act();
    }
  });
}

function onSubmit(form, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(form.elements);
  });
}

const load = document.querySelector("#load");
const paceLabel = document.querySelector("#pace-label");

function labelPace() {
  const isOpen = load.elements.loop.value === "open";
  paceLabel.textContent = isOpen ? "so many visits a second" : "after a pause in ms";
  load.elements.pace.min = isOpen ? "1" : "0";
}

export function start() {
  for (const button of document.querySelectorAll("[data-act]")) {
    onPress(button, () => ask({ do: "act", what: button.dataset.act }, button.textContent));
  }
  for (const button of document.querySelectorAll("[data-lose]")) {
    const replies = button.dataset.lose === "reply";
    onPress(button, () => ask({ do: "lose", replies, times: 1 }, button.textContent));
  }
  onSubmit(document.querySelector("#delay"), ({ ms }) => {
    ask({ do: "delay", ms: number(ms) }, `each command is ${ms.value} ms late`);
  });
  onSubmit(document.querySelector("#slow-clients"), ({ clients }) => {
    ask({ do: "slow-clients", clients: number(clients) }, `${clients.value} slow clients`);
  });
  onSubmit(load, ({ visitors, loop, pace }) => {
    const request = loop.value === "open"
      ? { do: "open-loop", visitors: number(visitors), rate: number(pace) }
      : { do: "closed-loop", visitors: number(visitors), pause: number(pace) };
    ask(request, `${visitors.value} visitors, ${paceLabel.textContent}: ${pace.value}`);
  });
  load.addEventListener("change", labelPace);
}

// Fields follow the lab, so that a second browser shows the same, but not under somebody's fingers.
let known = "";
function showLoad({ visitors, is_open_loop: isOpen, pace }) {
  const now = JSON.stringify([visitors, isOpen, pace]);
  if (now === known || document.activeElement.matches("#load input")) return;
  known = now;
  load.elements.visitors.value = visitors;
  load.elements.loop.value = isOpen ? "open" : "closed";
  load.elements.pace.value = pace;
  labelPace();
}

export function show(state, isPlaying) {
  showLoad(state);
  for (const button of document.querySelectorAll("[data-act]")) {
    setOff(button, !state.possible.includes(button.dataset.act));
  }
  const others = document.querySelectorAll("[data-lose], #controls form button:not([data-act])");
  for (const button of others) setOff(button, isPlaying);
}

// What this machine cannot do is left out; the notes say why.
export function leaveOut(names) {
  for (const name of names) document.querySelector(`[data-act="${name}"]`).remove();
}
