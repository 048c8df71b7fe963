"use strict";

/* What all figures that play share: no framework, and no request to anybody.

   A figure extends PlayableFigure. It says how long it lasts and what happens when, and draws itself at any
   moment. From here it gets a button, a slider, and a line that says what happened last.

   The page holds a picture with the same content, which is all that there is without a script and in print.
   So a figure adds to its picture and hides none of it for good: it begins at its end, where all is seen. */

class PlayableFigure extends HTMLElement {
    /* How far a key moves, and how much a frame may count for: who was away goes on where it was. */
    static #STEP_MS = 100;
    static #FRAME_MS_MAX = 100;

    /* Whoever asks for less motion gets none that goes on by itself. */
    static #lessMotion = matchMedia("(prefers-reduced-motion: reduce)");

    #at = 0;
    #frame = 0;
    #isInSight = false;
    #isPlaying = false;
    #lastFrame = null;
    #parts = null;

    /* What a figure defines. */

    /** Reads its data, and adds what it needs. Called once. */
    prepare() {}

    /** How long it lasts, in milliseconds. */
    get duration() { return 0; }

    /** What happens, in order: `{ at, what }`. */
    get events() { return []; }

    /** Draws the moment `at`. */
    draw(at) {}

    /* What a figure gets. */

    get at() { return this.#at; }

    set at(moment) {
        this.#at = Math.min(Math.max(moment, 0), this.duration);
        const { slider, time, event } = this.#parts;
        const seconds = (this.#at / 1000).toFixed(1);
        slider.value = this.#at;
        slider.setAttribute("aria-valuetext", `${seconds} of ${this.duration / 1000} seconds`);
        time.textContent = `${seconds} s`;
        const last = this.events.findLast((known) => known.at <= this.#at);
        const what = last ? last.what : "nothing yet";
        // A screen reader reads it whenever it is set.
        if (event.textContent !== what) event.textContent = what;
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
        this.at = this.duration;
        const sight = new IntersectionObserver((entries) => {
            this.#isInSight = entries.at(-1).isIntersecting;
            this.#go(this.#isPlaying);
        });
        sight.observe(this);
        PlayableFigure.#lessMotion.addEventListener("change", () => this.pause());
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
