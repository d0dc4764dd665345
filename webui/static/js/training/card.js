// The card of one training run: state, progress, figures, curves, the numbers behind them, and what can be done with it.

import { api } from "../api.js";
import { h, icon } from "../dom.js";
import { count, duration, moment, percent, plural } from "../format.js";
import { refused } from "../may.js";
import { toast } from "../toast.js";
import { Curve } from "./curve.js";

const ENDED = { paused: "Paused", done: "Done", cancelled: "Cancelled", failed: "Failed" };
const STAGES = { prepare: "Reading photos", train: "Training", ship: "Making the encoder" };
const fixed = (digits) => (value) => (value === null ? "" : value.toFixed(digits));
const rate = (value) => (value === null ? "" : value === 0 ? "0" : value >= 0.001 ? value.toFixed(4) : value.toExponential(1));
const COLUMNS = [["Epoch", "epoch", count], ["Loss", "loss", fixed(4)], ["kNN", "knn", (v) => (v === null ? "" : percent(v))], ["Learning rate", "learning_rate", rate],
  ["Spread", "projection_std", fixed(5)], ["Images/s", "images_per_s", (v) => (v === null ? "" : count(v))]];

export class RunCard {
  constructor(run, changed) {
    Object.assign(this, { id: run.id, changed, epochs: [], shownState: null, unfolded: null });
    this.title = h("h2", { class: "cut-text" }, run.name);
    this.state = h("span", { class: "state" });
    this.when = h("span", { class: "dim" });
    this.buttons = h("span", { class: "buttons" });
    this.meter = h("progress", { class: "meter", "aria-label": `Progress of ${run.name}` });
    this.numbers = h("span", { class: "numbers" });
    this.error = h("p", { class: "job-error", hidden: true });
    this.curves = [new Curve("Loss", "loss", fixed(3)), new Curve("kNN", "knn", percent), new Curve("Learning rate", "learning_rate", rate)];
    this.drawn = h("div", { class: "curves", id: `curves-${run.id}`, hidden: true }, ...this.curves.map((curve) => curve.root));
    this.table = h("div", { class: "epochs", id: `epochs-${run.id}`, tabIndex: 0, role: "region", "aria-label": `Epochs of ${run.name}`, hidden: true });
    this.curveButton = this.fold("Curves", () => this.unfold(this.drawn.hidden), this.drawn.id);
    this.tableButton = this.fold("Numbers", () => this.showTable(this.table.hidden), this.table.id);
    this.root = h("article", { class: "job run", "data-run": run.id },
      h("div", { class: "job-top" }, this.title, this.state, this.when, this.buttons), this.meter,
      h("p", { class: "figures" }, this.numbers, this.curveButton, this.tableButton), this.error, this.drawn, this.table);
  }

  fold(name, onclick, controls) {
    return h("button", { type: "button", class: "outline small", "aria-expanded": "false", "aria-controls": controls, hidden: true, onclick: () => { onclick(); this.changed(); } }, name);
  }

  /** Shows what the list says of the run; `workers` can train at present. */
  fill(run, workers) {
    const working = run.state === "running" && run.members > 0;
    this.root.className = `job run is-${run.state}`;
    this.state.textContent = ENDED[run.state] ?? (working ? STAGES[run.stage] : "Waiting");
    this.state.className = `state ${run.state === "running" ? "active" : run.state}`;
    this.when.textContent = run.finished_at ? `${moment(run.finished_at)}, took ${duration(run.finished_at - run.created_at)}` : `since ${moment(run.created_at)}`;
    if (this.shownState !== run.state) this.buttons.replaceChildren(...this.actions(run));
    this.shownState = run.state;
    this.meter.max = Math.max(1, run.epochs ?? 1);
    if (working && run.stage !== "train") this.meter.removeAttribute("value");
    else this.meter.value = run.state === "done" ? this.meter.max : run.done;
    this.numbers.replaceChildren(...this.figures(run, working));
    const said = this.trouble(run, working, workers);
    this.error.hidden = !said;
    this.error.textContent = said;
    this.error.className = run.error ? "job-error" : "dim";
    this.run = run;
    if (this.unfolded === null) this.unfolded = !["done", "cancelled"].includes(run.state);
    this.curveButton.hidden = this.tableButton.hidden = !run.done;
    return this.read();
  }

  figures(run, working) {
    const one = (name, value, kind = null) => h("span", { class: kind }, h("b", {}, value), ` ${name}`);
    const of = run.epochs ? one(`of ${plural(run.epochs, "epoch")}`, count(run.done)) : null;
    return [
      of, run.pictures === null ? null : one(run.pictures === 1 ? "photo" : "photos", count(run.pictures)),
      run.left_out ? one("could not be read", count(run.left_out), "bad") : null,
      working && run.stage === "train" && run.last?.images_per_s ? one("images/s", count(run.last.images_per_s)) : null,
      working && run.seconds_left ? one("left", duration(run.seconds_left)) : null,
      run.ranks > 1 && run.state === "running" ? one(`of ${run.ranks} processes`, count(run.members)) : null,
      h("span", {}, `${run.preset}, ${run.sources.join(", ") || "folders that are gone"}`),
      run.encoder ? h("a", { href: `/encoders?promote=${run.encoder}` }, "See the encoder") : null,
    ].filter(Boolean);
  }

  trouble(run, working, workers) {
    const again = run.error && run.state === "running" ? " Trying again." : "";
    if (run.error) return `${run.error[0].toUpperCase()}${run.error.slice(1)}${/[.!?]$/.test(run.error) ? "" : "."}${again}`;
    if (run.state !== "running" || working) return "";
    if (!workers) return "No worker that trains is running. Say make setup in Ruiji’s folder, which installs the extra train, and start Ruiji again, or start one with: ruiji worker --queues train";
    return workers < run.ranks ? `It needs ${run.ranks} workers that train at once; ${workers} ${workers === 1 ? "is" : "are"} running. Start more with: ruiji worker --queues train` : "";
  }

  actions(run) {
    const act = (action, name, glyph) => h("button", {
      type: "button", class: `${action === "cancel" ? "quiet small danger" : "outline small"}${refused(`${action}_run`)}`, "data-action": action,
      onclick: async () => {
        try {
          await api(`/training/${run.id}/${action}`, { method: "POST" });
        } catch (error) {
          toast(error.message, { bad: true });
        }
        this.changed();
      },
    }, icon(glyph), name, h("span", { class: "visually-hidden" }, ` ${run.name}`));
    const stop = act("cancel", "Cancel", "close");
    if (run.state === "running") return [act("pause", "Pause", "pause"), stop];
    if (run.state === "paused") return [act("resume", "Resume", "play"), stop];
    return run.state === "failed" ? [act("resume", "Try again", "play"), stop] : [];
  }

  /** Asks for the epochs that are not known yet, where somebody looks at them. */
  async read() {
    const last = () => this.epochs.at(-1)?.epoch ?? 0;
    if ((this.unfolded || !this.table.hidden) && this.run.done > last()) {
      const { curve } = await api(`/training/${this.id}?after=${last()}`);
      this.epochs.push(...curve.filter(({ epoch }) => epoch > last())); // a press asks too: another answer may have come first
    }
    this.unfold(this.unfolded);
    if (!this.table.hidden) this.showTable(true);
  }

  unfold(on) {
    this.unfolded = on;
    this.drawn.hidden = !on || !this.run.done;
    this.curveButton.setAttribute("aria-expanded", String(on));
    if (!on) return;
    for (const curve of this.curves) curve.draw(this.epochs, this.run.epochs);
  }

  showTable(on) {
    this.table.hidden = !on;
    this.tableButton.setAttribute("aria-expanded", String(on));
    if (!on) return;
    const cells = (epoch) => COLUMNS.map(([, key, show], at) => h(at ? "td" : "th", { class: "number", scope: at ? null : "row" }, show(epoch[key])));
    this.table.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ...COLUMNS.map(([name]) => h("th", { scope: "col", class: "number" }, name)))),
      h("tbody", {}, ...[...this.epochs].reverse().map((epoch) => h("tr", {}, ...cells(epoch))))));
  }
}
