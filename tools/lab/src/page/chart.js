// Stacked bars over time, the newest on the right, with a line for each thing that was done.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, TOP] = [360, 100, 14];
const KINDS = ["answered", "refused", "failed", "silent"];
// Who cannot tell the colours apart sees stripes and dots.
const FILLS = { failed: "url(#failed)", silent: "url(#silent)" };

function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

customElements.define("lab-chart", class extends HTMLElement {
  // bars: [answered, refused, failed, silent] each; slots: how many fit; peak: what the full height is;
  // marks: [{place, ill}], the place from 0 to 1; label: what it shows, for who cannot see it.
  show({ bars, slots, peak, marks, unit, label, grows }) {
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
    const width = WIDTH / slots;
    const first = grows ? 0 : slots - bars.length;
    bars.forEach((bar, index) => {
      let y = HEIGHT;
      bar.forEach((count, kind) => {
        if (count === 0) return;
        const height = Math.max((count / peak) * (HEIGHT - TOP), 1);
        y -= height;
        const name = KINDS[kind];
        const box = { class: name, x: (first + index) * width, y, width: width * 0.9, height };
        const rect = draw("rect", box);
        if (FILLS[name]) rect.style.fill = FILLS[name];
        svg.append(rect);
      });
    });
    for (const { place, ill } of marks) {
      const x = place * WIDTH;
      svg.append(draw("line", { class: ill ? "mark ill" : "mark", x1: x, x2: x, y1: TOP, y2: HEIGHT }));
    }
    svg.append(draw("text", { x: 2, y: 11 }, `${peak} ${unit}`));
    this.replaceChildren(svg);
  }
});

// What bars say in words.
export function inWords(bars, unit) {
  if (bars.length === 0) return "Nothing yet.";
  const parts = KINDS.map((name, kind) => {
    const counts = bars.map((bar) => bar[kind]);
    const now = counts[counts.length - 1];
    const [low, high] = [Math.min(...counts), Math.max(...counts)];
    if (high === 0) return `none ${name}`;
    return `${name} ${low} to ${high}, ${now} at last`;
  });
  return `Visits ${unit}: ${parts.join("; ")}.`;
}

// The height that all bars fit in: 1, 2 or 5 with zeros behind it.
export function peakOf(bars) {
  const most = Math.max(5, ...bars.map((bar) => bar.reduce((sum, count) => sum + count, 0)));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= most);
}
