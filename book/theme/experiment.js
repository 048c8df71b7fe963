"use strict";

/* The recording of an experiment: compares the steps at each moment. */

class ExperimentFigure extends PlayableFigure {
    /* How long a sample is. */
    static #SAMPLE_MS = 100;

    /* How visits can end, and what is said of each moment beside that. */
    static #ENDS = ["answered", "refused", "failed", "silent"];
    static #SLOWEST = "p99 now, ms";

    prepare() {
        this.recording = JSON.parse(this.querySelector("script").textContent);
        this.cells = this.#addTable();
    }

    get duration() { return this.recording.lasts; }

    /* The script is the same for all steps. */
    get events() { return this.recording.columns[0].events.filter((event) => !event.is_loss); }

    draw(at) {
        // What ended after the last visitor had come belongs to the end.
        const count = at < this.duration ? Math.floor(at / ExperimentFigure.#SAMPLE_MS) : Infinity;
        this.recording.columns.forEach(({ series }, column) => {
            for (const end of ExperimentFigure.#ENDS) {
                const sum = series[end].slice(0, count).reduce((all, one) => all + one, 0);
                this.cells[end][column].textContent = sum;
            }
            const slowest = series.p99.slice(0, count).findLast((time) => time !== null);
            this.cells[ExperimentFigure.#SLOWEST][column].textContent = slowest === undefined ? "–" : Math.round(slowest);
        });
    }

    /* A row for each kind of end, a column for each step. Returns the cells, by the names of the rows. */
    #addTable() {
        const table = document.createElement("table");
        const add = (row, name, text) => {
            const cell = document.createElement(name);
            cell.textContent = text;
            row.append(cell);
            return cell;
        };
        const { columns } = this.recording;
        const head = table.createTHead().insertRow();
        add(head, "th", "so far");
        columns.forEach((column) => { add(head, "th", column.name).scope = "col"; });
        const cells = {};
        const body = table.createTBody();
        for (const name of [...ExperimentFigure.#ENDS, ExperimentFigure.#SLOWEST]) {
            const row = body.insertRow();
            add(row, "th", name).scope = "row";
            cells[name] = columns.map(() => add(row, "td", ""));
        }
        this.append(table);
        return cells;
    }
}

customElements.define("seen-experiment", ExperimentFigure);
