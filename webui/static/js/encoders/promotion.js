// The four steps from the encoder that serves to another: embed all photos, count, ask both the same, switch.

import { api } from "../api.js";
import { announce, byId, h } from "../dom.js";
import { count, duration, plural } from "../format.js";
import { Comparison } from "./comparison.js";

const ACTIVE = ["scanning", "running"];

export class Promotion {
  /** changed(): the server was told something; switched(encoder, lack): it serves now. */
  constructor({ changed, switched }) {
    Object.assign(this, { changed, switched, encoder: null, serving: null, comparison: new Comparison() });
    byId("promotion-close").addEventListener("click", () => this.close());
    byId("fill-start").addEventListener("click", () => this.tell(`/encoders/${this.encoder.id}/fill`, {}));
    byId("fill-resume").addEventListener("click", () => this.tell(`/encoders/${this.encoder.id}/fill`, {}));
    byId("fill-pause").addEventListener("click", () => this.tell(`/jobs/${this.encoder.job.id}/pause`));
    byId("without-rest").addEventListener("change", () => this.show());
    byId("switch-go").addEventListener("click", () => this.go());
  }

  open(encoder, rows) {
    this.encoder = encoder;
    byId("without-rest").checked = false;
    this.problem();
    this.comparison.clear();
    byId("promotion").hidden = false;
    this.update(rows);
    byId("promotion-title").focus();
  }

  close() {
    const id = this.encoder?.id;
    this.encoder = null;
    byId("promotion").hidden = true;
    history.replaceState(null, "", location.pathname);
    this.changed();
    document.querySelector(`[data-encoder="${id}"] button`)?.focus();
  }

  update(rows) {
    if (!this.encoder) return;
    const now = rows.find((row) => row.id === this.encoder.id);
    if (!now || now.serving) { // from here, from a shell, or by somebody else
      this.close();
      return;
    }
    this.encoder = now;
    this.serving = rows.find((row) => row.serving) ?? null;
    this.show();
  }

  show() {
    const { encoder, serving } = this;
    const complete = encoder.images > 0 && encoder.indexed === encoder.images;
    byId("promotion-title").textContent = `Let ${encoder.name} serve${serving ? ` instead of ${serving.name}` : ""}`;
    this.showFill(complete);
    byId("count-figures").replaceChildren(
      ...[["photos", encoder.images], [`vectors of ${encoder.name}`, encoder.embedded], ["in its index", encoder.indexed]].map(
        ([name, value]) => h("span", { class: value < encoder.images && !encoder.job ? "bad" : null }, h("b", {}, count(value)), ` ${name}`)));
    byId("step-count").classList.toggle("done", complete);
    if (serving) this.comparison.show(serving, encoder, { final: complete });
    this.showSwitch(complete);
  }

  showFill(complete) {
    const { encoder, serving } = this;
    const { job } = encoder;
    const active = job !== null && ACTIVE.includes(job.state);
    const paused = job?.state === "paused";
    const lack = encoder.images - encoder.embedded;
    const says = byId("fill-says");
    const left = active && job.seconds_left !== null ? `, ${duration(job.seconds_left)} left` : "";
    const rate = active && job.images_per_s ? `, ${count(job.images_per_s)} a second` : "";
    const goesOn = serving ? ` Searches go on with ${serving.name} meanwhile.` : "";
    if (complete) says.textContent = `All ${plural(encoder.images, "photo")} are embedded and in its index.`;
    else if (active) says.textContent = `${count(encoder.embedded)} of ${count(encoder.images)} embedded${rate}${left}.${goesOn}`;
    else if (paused) says.textContent = `Paused at ${count(encoder.embedded)} of ${count(encoder.images)}. What is done stays done.`;
    else if (lack === 0) says.textContent = `All are embedded; ${count(encoder.images - encoder.indexed)} are on their way into the index.`;
    else says.textContent = `${plural(lack, "photo")} of ${count(encoder.images)} ${lack === 1 ? "has" : "have"} no vector of it yet.${goesOn}`;
    const meter = byId("fill-meter");
    meter.max = Math.max(1, encoder.images);
    meter.value = encoder.embedded;
    byId("fill-start").hidden = complete || job !== null || lack === 0;
    byId("fill-pause").hidden = !active;
    byId("fill-resume").hidden = !paused;
    byId("step-fill").classList.toggle("done", complete);
  }

  showSwitch(complete) {
    const { encoder, serving } = this;
    const lack = encoder.images - encoder.indexed;
    const stuck = !complete && encoder.job === null && encoder.embedded > 0 && encoder.indexed === encoder.embedded;
    byId("without").hidden = !stuck;
    byId("without-says").textContent = `Do without ${plural(lack, "photo")}: their files are gone or cannot be read, and no search finds them then`;
    const button = byId("switch-go");
    button.disabled = !(complete || (stuck && byId("without-rest").checked)) || this.busy === true;
    button.textContent = `Let ${encoder.name} serve`;
    byId("switch-says").textContent = complete || stuck
      ? `No search fails or waits. ${serving ? `${serving.name} and its index stay, so the way back is immediate.` : ""}`
      : "Once all photos are in its index. Labels are the photos', so they count for both.";
  }

  async tell(path, json) {
    this.problem();
    try {
      await api(path, { method: "POST", json });
    } catch (error) {
      this.problem(error.message);
    }
    this.changed();
  }

  async go() {
    const { encoder } = this;
    this.problem();
    this.busy = true;
    this.show();
    try {
      const done = await api(`/encoders/${encoder.id}/promote`, { method: "POST", json: { incomplete: byId("without-rest").checked } });
      this.close();
      announce(`${encoder.name} serves now`);
      this.switched(encoder, done.lack);
    } catch (error) {
      this.problem(error.message);
    } finally {
      this.busy = false;
      if (this.encoder) this.show();
      this.changed();
    }
  }

  problem(text = "") {
    byId("promotion-error").textContent = text;
    byId("promotion-error").hidden = !text;
  }
}
