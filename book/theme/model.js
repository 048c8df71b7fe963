"use strict";

/* A figure that a model draws (`tools/model`, as WebAssembly). Its reader guesses first, then sees what happens,
   and then changes what it depends on.

   The page holds the picture and the table of the first settings. So a reader whose browser cannot run the model
   still guesses and plays; only the settings stay away. */

class ModelFigure extends PlayableFigure {
    /* Beside this script lies the model. */
    static #HOME = document.currentScript.src;
    static #model = null;

    #data = null;
    #drawn = null;
    #settings = [];

    /* The functions of the model, loaded once for all figures of a page: as a script, since a page that is opened
       from a disk may not read another file. */
    static load() {
        ModelFigure.#model ??= new Promise((resolve, reject) => {
            const script = document.createElement("script");
            script.src = new URL("model.wasm.js", ModelFigure.#HOME);
            script.onload = resolve;
            script.onerror = reject;
            document.head.append(script);
        }).then(async () => {
            if (!globalThis.SEEN_MODEL) throw new Error("the book was rendered without the model");
            const bytes = Uint8Array.from(atob(globalThis.SEEN_MODEL), (letter) => letter.charCodeAt(0));
            return (await WebAssembly.instantiate(bytes)).instance.exports;
        });
        return ModelFigure.#model;
    }

    get duration() { return this.#data.plays_for; }

    get events() { return this.#drawn.events; }

    get drawn() { return this.#drawn; }

    say(at) {
        const moment = (at / this.duration) * this.#drawn.window;
        return this.#drawn.window < 1e9 ? [(moment / 1e6).toFixed(1), "ms"] : [(moment / 1e9).toFixed(1), "s"];
    }

    prepare() {
        const { figure, drawn } = JSON.parse(this.querySelector("script").textContent);
        this.#data = figure;
        this.#take(drawn);
        this.#settings = figure.controls.map((control) => {
            if (control.moment) return -1;
            return control.values ? control.values[control.first] : control.first;
        });
    }

    connectedCallback() {
        const isNew = !this.#data;
        super.connectedCallback();
        if (!isNew) return;
        this.#ask();
        ModelFigure.load().then((model) => this.#addSettings(model), () => this.#standStill());
    }

    /* Moments of the model become moments of the play. */
    #take(drawn) {
        const pace = this.duration / drawn.window;
        drawn.events.forEach((event) => { event.at *= pace; });
        this.#drawn = drawn;
    }

    /* Hides what happens until the reader has said what will. */
    #ask() {
        this.classList.add("asks");
        this.at = 0;
        const answers = document.createElement("div");
        answers.className = "answers";
        answers.setAttribute("role", "group");
        answers.setAttribute("aria-label", "Your guess");
        const result = document.createElement("p");
        result.className = "result";
        result.setAttribute("aria-live", "polite");
        const add = (words, guess) => {
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = words;
            button.addEventListener("click", () => {
                [...answers.children].forEach((other) => { other.ariaPressed = other === button; });
                result.textContent = this.#judge(guess);
                if (!this.classList.contains("asks")) return;
                this.classList.remove("asks");
                this.play();
            });
            answers.append(button);
        };
        this.#data.answers.forEach((answer) => add(answer[0], answer));
        add("Just show me", null);
        this.prepend(answers, result);
        this.first = { answer: this.#drawn.answer, because: this.#drawn.because };
    }

    /* Right is the answer that is nearest to what the model says, by ratio. */
    #judge(guess) {
        const { answer, because } = this.first;
        if (!guess) return because;
        // None at all is less than a half.
        const distance = ([, value]) => Math.abs(Math.log((value + 0.5) / (answer + 0.5)));
        const best = Math.min(...this.#data.answers.map(distance));
        const verdict = distance(guess) === best ? "Yes." : "No.";
        return `${verdict} ${because}`;
    }

    /* A part for each thing that can be changed. */
    #addSettings(model) {
        const settings = document.createElement("form");
        settings.className = "settings";
        settings.addEventListener("submit", (sent) => sent.preventDefault());
        this.#data.controls.forEach((control, place) => {
            const set = (value) => {
                this.#settings[place] = value;
                this.#redraw(model);
            };
            const make = control.moment ? this.#moment : control.values ? this.#slide : this.#choice;
            settings.append(make.call(this, control, set));
        });
        this.querySelector(".controls").after(settings);
    }

    /* What a reader misses, in words. */
    #standStill() {
        const note = document.createElement("p");
        note.className = "settings";
        note.textContent = "Nothing can be changed here: this book was rendered without the model.";
        this.querySelector(".controls").after(note);
    }

    #slide({ label, values, unit, first }, set) {
        const part = document.createElement("label");
        part.innerHTML = `<span></span> <input type="range" min="0" max="${values.length - 1}" value="${first}"> <output></output>`;
        const [name, slider, output] = part.children;
        name.textContent = label;
        const say = () => {
            const value = `${values[slider.value].toLocaleString("en")} ${unit}`.trim();
            output.textContent = value;
            slider.setAttribute("aria-valuetext", value);
        };
        slider.addEventListener("input", () => {
            say();
            set(values[slider.value]);
        });
        say();
        return part;
    }

    #choice({ label, names, first }, set) {
        const part = document.createElement("fieldset");
        part.innerHTML = "<legend></legend>";
        part.firstChild.textContent = label;
        const group = `${this.#data.place}-${label}`;
        names.forEach((name, place) => {
            const choice = document.createElement("label");
            choice.innerHTML = "<input type='radio'> <span></span>";
            const [radio, words] = choice.children;
            radio.name = group;
            radio.checked = place === first;
            words.textContent = name;
            radio.addEventListener("change", () => set(place));
            part.append(choice);
        });
        return part;
    }

    /* Lets it happen at the moment that is shown, or no longer. */
    #moment({ label }, set) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = label;
        button.ariaPressed = false;
        button.addEventListener("click", () => {
            const happens = button.ariaPressed !== "true";
            button.ariaPressed = happens;
            // At the end nothing can happen any more.
            if (happens && this.at >= this.duration) this.at = 0.4 * this.duration;
            set(happens ? (this.at / this.duration) * this.#drawn.window : -1);
            if (happens) this.play();
        });
        return button;
    }

    /* The model draws anew with the settings as they are. */
    #redraw(model) {
        const text = ModelFigure.#run(model, this.#data.place, [...this.#data.measured, ...this.#settings]);
        this.#take(JSON.parse(text));
        const { svg, table } = this.#drawn;
        const parsed = document.createElement("template");
        parsed.innerHTML = svg;
        this.querySelector("svg").replaceWith(parsed.content.querySelector("svg"));
        this.cover();
        this.at = this.at;
        const [head, ...body] = this.querySelector("table").rows;
        body.forEach((row) => row.remove());
        table.slice(1).forEach((cells) => {
            const row = this.querySelector("tbody").insertRow();
            cells.forEach((cell, place) => {
                const element = document.createElement(place ? "td" : "th");
                element.textContent = cell;
                row.append(element);
            });
        });
        [...head.cells].forEach((cell, place) => { cell.textContent = table[0][place]; });
    }

    static #run(model, place, numbers) {
        numbers.forEach((number) => model.seen_take(number));
        const length = model.seen_draw(place);
        const bytes = new Uint8Array(length);
        for (let at = 0; at < length; at += 1) bytes[at] = model.seen_byte(at);
        return new TextDecoder().decode(bytes);
    }
}

customElements.define("seen-model", ModelFigure);
