"use strict";

/* What all figures that play share: no framework, and no request to anybody.

   A figure extends PlayableFigure. It says how long it lasts and what happens when, and may draw more than its
   picture at any moment. From here it gets a cover over all that comes later, a button, a slider, and a line
   that says what happened last.

   The page holds a picture with the same content, which is all that there is without a script and in print.
   So a figure adds to its picture and hides none of it for good: it begins at its end, where all is seen. */

class PlayableFigure extends HTMLElement {
    /* How far a key moves, and how much a frame may count for: who was away goes on where it was. */
    static #STEP_MS = 100;
    static #FRAME_MS_MAX = 100;

    /* Whoever asks for less motion gets none that goes on by itself. */
    static #lessMotion = matchMedia("(prefers-reduced-motion: reduce)");

    #at = 0;
    #cover = null;
    #frame = 0;
    #isInSight = false;
    #isPlaying = false;
    #lastFrame = null;
    #parts = null;

    /* What a figure defines. */

    /** Reads its data, and adds what it needs. Called once. */
    prepare() {}

    /** How long it plays, in milliseconds. */
    get duration() { return 0; }

    /** What happens, in order: `{ at, what }`. */
    get events() { return []; }

    /** Shows the moment `at`, beside what the cover does. */
    draw(at) {}

    /** A moment in words: its number, and the unit. */
    say(at) { return [(at / 1000).toFixed(1), "s"]; }

    /* What a figure gets. */

    get at() { return this.#at; }

    set at(moment) {
        this.#at = Math.min(Math.max(moment, 0), this.duration);
        const { slider, time, event } = this.#parts;
        const now = this.say(this.#at).join(" ");
        slider.value = this.#at;
        slider.setAttribute("aria-valuetext", `${now} of ${this.say(this.duration).join(" ")}`);
        time.textContent = now;
        const last = this.events.findLast((known) => known.at <= this.#at);
        const what = last ? last.what : "nothing yet";
        // A screen reader reads it whenever it is set.
        if (event.textContent !== what) event.textContent = what;
        this.#moveCover();
        this.draw(this.#at);
    }

    get isPlaying() { return this.#isPlaying; }

    get isInSight() { return this.#isInSight; }

    play() {
        if (this.at >= this.duration) this.at = 0;
        else if (PlayableFigure.#lessMotion.matches) this.at = this.#nextEvent();
        if (!PlayableFigure.#lessMotion.matches) this.#go(true);
    }

    pause() { this.#go(false); }

    connectedCallback() {
        if (this.#parts) return;
        this.prepare();
        this.#addControls();
        this.cover();
        this.at = this.duration;
        const sight = new IntersectionObserver((entries) => {
            this.#isInSight = entries.at(-1).isIntersecting;
            this.#go(this.#isPlaying);
        });
        sight.observe(this);
        PlayableFigure.#lessMotion.addEventListener("change", () => this.pause());
    }

    /** Lays over the picture's field what hides all that comes later, and a line at the moment. A figure that
        changes its picture does it again. */
    cover() {
        const picture = this.querySelector("svg");
        const [left, top, right, bottom] = picture.dataset.field.split(" ").map(Number);
        const make = (name, attributes) => {
            const element = document.createElementNS("http://www.w3.org/2000/svg", name);
            Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
            return element;
        };
        const group = make("g", { class: "cover" });
        const later = make("rect", { x: left, y: top, width: right - left, height: bottom - top });
        const now = make("line", { x1: left, y1: top, x2: left, y2: bottom });
        group.append(later, now);
        picture.append(group);
        this.#cover = { left, right, group, later, now };
    }

    #moveCover() {
        const { left, right, group, later, now } = this.#cover;
        const x = left + ((right - left) * this.#at) / this.duration;
        group.style.display = this.#at < this.duration ? "" : "none";
        later.setAttribute("x", x);
        later.setAttribute("width", right - x);
        now.setAttribute("x1", x);
        now.setAttribute("x2", x);
    }

    #nextEvent() {
        const next = this.events.find((known) => known.at > this.at);
        return next ? next.at : this.duration;
    }

    #go(isPlaying) {
        this.#isPlaying = isPlaying;
        const name = PlayableFigure.#lessMotion.matches ? "Next" : "Play";
        this.#parts.button.textContent = isPlaying ? "Pause" : name;
        this.#lastFrame = null;
        cancelAnimationFrame(this.#frame);
        if (isPlaying && this.#isInSight) this.#frame = requestAnimationFrame(this.#tick);
    }

    #tick = (now) => {
        this.at += Math.min(now - (this.#lastFrame ?? now), PlayableFigure.#FRAME_MS_MAX);
        this.#lastFrame = now;
        if (this.at >= this.duration) this.pause();
        else this.#frame = requestAnimationFrame(this.#tick);
    };

    #addControls() {
        const controls = document.createElement("div");
        controls.className = "controls";
        controls.innerHTML = `<input type="range" min="0" max="${this.duration}" step="${PlayableFigure.#STEP_MS}"
            aria-label="Moment"><button type="button"></button>
            <span class="time"></span><span class="event" aria-live="polite"></span>`;
        const [slider, button, time, event] = controls.children;
        this.#parts = { slider, button, time, event };
        const toggle = () => (this.isPlaying ? this.pause() : this.play());
        button.addEventListener("click", toggle);
        slider.addEventListener("input", () => {
            this.pause();
            this.at = slider.valueAsNumber;
        });
        controls.addEventListener("keydown", (pressed) => {
            if (pressed.altKey || pressed.ctrlKey || pressed.metaKey) return;
            const direction = { ArrowLeft: -1, ArrowRight: 1 }[pressed.key];
            if (pressed.target === slider && pressed.key === " ") toggle();
            else if (pressed.target === button && direction) {
                this.pause();
                this.at += direction * PlayableFigure.#STEP_MS;
            } else return;
            // The page itself would leaf to another chapter, or scroll.
            pressed.preventDefault();
            pressed.stopPropagation();
        });
        this.querySelector("svg").after(controls);
        this.pause();
    }
}
