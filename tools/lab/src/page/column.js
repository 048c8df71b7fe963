// One step: what its visitors see, in words, numbers and a chart.

import { inWords } from "./chart.js";

const SECONDS = 60;
// From this share on, visits without a number decide how the step looks.
const SHARE = 0.2;

const ROWS = {
  rates: "a second",
  times: "p50, p99",
  flight: "in flight",
  perCommand: "visits per Redis command",
  sizes: "last batches",
  total: "answered in all",
  duplicates: "duplicates",
  gaps: "gaps",
  count: "Redis says",
  redis: "Redis",
  copies: "service",
  held: "slow clients connected",
};

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

// Changes a text only if it is another one, so that a selection or a screen reader is not disturbed.
function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function healthOf(second) {
  if (!second) return ["starts", "starts"];
  const [answered, refused, failed, silent] = second.ends;
  const all = answered + refused + failed + silent;
  if (all === 0) return second.in_flight > 0 ? ["waits", "everybody waits"] : ["quiet", "nobody visits"];
  if ((failed + silent) / all >= SHARE) return ["fails", "visits fail"];
  if (refused / all >= SHARE) return ["refuses", "refuses honestly"];
  return ["answers", "answers"];
}

const milliseconds = (value) => (value < 10 ? value.toFixed(1) : Math.round(value));

customElements.define("lab-column", class extends HTMLElement {
  connectedCallback() {
    this.title_ = element("h2");
    this.health = element("p", "health");
    this.sentence = element("p", "sentence");
    this.page = element("p", "page");
    this.chart = element("lab-chart");
    this.list = element("dl");
    this.rows = {};
    for (const [key, name] of Object.entries(ROWS)) {
      this.rows[key] = element("dd", key);
      this.list.append(element("dt", "", name), this.rows[key]);
    }
    this.events = element("ol", "events");
    this.log = element("pre", "log");
    this.log.tabIndex = 0;
    this.log.setAttribute("aria-label", "The log's last lines");
    this.append(this.title_, this.health, this.sentence, this.page, this.chart, this.list);
    this.append(element("h3", "", "What happened"), this.events, element("h3", "", "Log"), this.log);
  }

  show(view, peak) {
    const second = view.seconds.at(-1);
    const [health, words] = healthOf(second);
    this.dataset.health = health;
    say(this.title_, view.name);
    say(this.health, view.busy ? `${words}; under way: ${view.busy}` : words);
    say(this.sentence, view.sentence);
    this.showPages(view.pages);
    this.showNumbers(view, second);
    this.showTally(view);
    this.showParts(view.condition);
    this.showEvents(view, second);
    this.showLog(view.log.join("\n") || "nothing said");
    this.showChart(view, second, peak);
  }

  // The newest line is in sight, unless somebody reads the log.
  showLog(text) {
    if (this.log.textContent === text) return;
    this.log.textContent = text;
    if (document.activeElement !== this.log) this.log.scrollTop = this.log.scrollHeight;
  }

  showPages(pages) {
    const known = pages.join(" ");
    if (this.page.dataset.known === known) return;
    this.page.dataset.known = known;
    const links = pages.map((page) => {
      const link = element("a", "", page);
      link.href = page;
      link.target = "_blank";
      link.rel = "noreferrer";
      return link;
    });
    this.page.replaceChildren("page: ", ...links.flatMap((link) => [link, " "]));
  }

  showNumbers(view, second) {
    const rows = this.rows;
    const [answered, refused, failed, silent] = second?.ends ?? [0, 0, 0, 0];
    say(rows.rates, `${answered} answered, ${refused} refused, ${failed} failed, ${silent} silent`);
    rows.rates.classList.toggle("wrong", failed + silent > 0);
    const [p50, p99] = second?.p50_p99 ?? [];
    say(rows.times, p50 === undefined ? "–" : `${milliseconds(p50)} ms, ${milliseconds(p99)} ms`);
    say(rows.flight, String(second?.in_flight ?? 0));
    const commands = second?.commands ?? 0;
    say(rows.perCommand, commands === 0 ? "– (no command)" : (answered / commands).toFixed(2));
    say(rows.sizes, view.sizes.join(" ") || "–");
  }

  showTally(view) {
    const { rows } = this;
    const { answered, duplicates, gaps, count, acceptable } = view.tally;
    say(rows.total, String(answered));
    say(rows.duplicates, String(duplicates));
    rows.duplicates.classList.toggle("wrong", duplicates > 0);
    say(rows.gaps, String(gaps));
    rows.gaps.classList.toggle("wrong", gaps > 0);
    const [low, high] = acceptable ?? [0, 0];
    rows.count.classList.toggle("wrong", count !== null && (count < low || count > high));
    const right = low === high ? `${low} is right` : `${low} to ${high} is right`;
    const port = view.redis.split(":").at(-1);
    if (acceptable === null) say(rows.count, "nothing: the count is not there");
    else if (count === null) say(rows.count, "nothing: it does not answer");
    else say(rows.count, `${count}, and ${right} (redis-cli -p ${port} get seen)`);
  }

  showParts(condition) {
    if (!condition) return;
    const { rows } = this;
    const redis = [condition.redis];
    if (condition.is_read_only) redis.push("read-only");
    if (condition.has_slow_disk) redis.push("slow disk");
    if (condition.delay > 0) redis.push(`wire delayed by ${condition.delay} ms`);
    say(rows.redis, redis.join(", "));
    rows.redis.classList.toggle("wrong", condition.redis !== "running");
    const copies = condition.copies.map((runs) => (runs ? "runs" : "does not run"));
    say(rows.copies, copies.join(", the second "));
    rows.copies.classList.toggle("wrong", condition.copies.includes(false));
    say(rows.held, String(condition.held));
  }

  showEvents(view, second) {
    const now = second?.at ?? 0;
    const lines = view.events.slice(-5).map((event) => {
      const ago = Math.max(0, Math.round((now - event.at) / 1000));
      const line = element("li", event.is_well === false ? "ill" : "", `${ago} s ago: ${event.what}`);
      return line;
    });
    this.events.replaceChildren(...lines);
  }

  showChart(view, second, peak) {
    if (this.chart.dataset.at === String(second?.at) && this.chart.dataset.peak === String(peak)) return;
    this.chart.dataset.at = String(second?.at);
    this.chart.dataset.peak = String(peak);
    const bars = view.seconds.map((one) => one.ends);
    const now = second?.at ?? 0;
    const placed = view.events.map((event) => ({
      place: 1 - (now - event.at) / (SECONDS * 1000),
      ill: event.is_well === false,
    }));
    const marks = placed.filter(({ place }) => place > 0 && place <= 1);
    const label = `${view.name}, the last minute. ${inWords(bars, "a second")}`;
    this.chart.show({ bars, slots: SECONDS, peak, marks, unit: "visits/s", label, grows: false });
  }
});
