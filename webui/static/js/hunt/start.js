// The form that starts a hunt: a label, and pictures of it unless some are labelled so already.

import { api } from "../api.js";
import { byId } from "../dom.js";
import { plural } from "../format.js";
import { takePictures } from "../search/intake.js";
import { Picker } from "../search/picker.js";
import { begin } from "./begin.js";
import { makeChip } from "./chip.js";
import { handOver } from "./hand.js";

let examples = []; // { name, address, sign, upload: null while it is on its way }
let picker = null;

const known = () => picker.labels.find((label) => label.name === picker.value);

function problem(text) {
  byId("start-error").textContent = text ?? "";
  byId("start-error").hidden = !text;
}

function draw() {
  byId("examples").replaceChildren(...examples.map((one) => makeChip({
    name: one.name, address: one.address, sign: one.sign, busy: one.upload === null,
    flip: () => { one.sign = -one.sign; draw(); },
    remove: () => { drop(one); byId("choose").focus(); },
  })));
  const { name, yes = 0 } = known() ?? { name: picker.value };
  byId("start-note").textContent = yes
    ? `${plural(yes, "picture")} ${yes === 1 ? "is" : "are"} labelled ${name} already: the hunt starts from ${yes === 1 ? "it" : "them"}. Examples of your own may be added.`
    : `Give one picture or a few of ${name ? `what you call ${name}` : "what you look for"}.`;
}

function drop(one) {
  one.stop.abort();
  URL.revokeObjectURL(one.address);
  examples = examples.filter((other) => other !== one);
  draw();
}

function add(file, sign) {
  const one = { name: file.name || "Pasted picture", address: URL.createObjectURL(file), sign, upload: null, stop: new AbortController() };
  examples.push(one);
  problem(null);
  draw();
  one.coming = (async () => {
    try {
      one.upload = (await handOver(file, one.stop.signal)).upload;
      draw();
    } catch (error) {
      if (one.stop.signal.aborted) return;
      drop(one);
      problem(`${one.name}: ${error.message}`);
    }
  })();
}

async function start(event) {
  event.preventDefault();
  problem(null);
  if (!picker.value) { problem("Choose a label, or type a new one."); byId("label-input").focus(); return; }
  if (!examples.some((one) => one.sign > 0) && !known()?.yes) { problem(`Give at least one picture of ${picker.value}: drop, paste or choose one.`); byId("choose").focus(); return; }
  byId("start").disabled = true;
  try {
    const before = examples.length;
    await Promise.all(examples.map((one) => one.coming));
    if (examples.length < before) return; // one was no picture, which has been said
    await begin(picker.value, examples.map(({ upload, sign }) => ({ upload, sign })));
  } catch (error) {
    if (error.code === "unknown_upload") for (const one of [...examples]) drop(one);
    problem(error.code === "unknown_upload" ? "Pictures are kept for an hour before a hunt starts. Drop or choose them again." : error.message);
  } finally {
    byId("start").disabled = false;
  }
}

export function prepareStart() {
  picker = new Picker({ picked: () => draw(), done: () => byId(examples.length || known()?.yes ? "start" : "choose").focus() });
  byId("start-hunt").addEventListener("submit", start);
  takePictures({ file: (file, { minus }) => add(file, minus ? -1 : 1), image: () => {}, several: true, needs: "begin_hunt" });
  const wanted = new URLSearchParams(location.search).get("label");
  if (wanted) picker.value = wanted;
  api("/labels").then(({ labels }) => { picker.offer(labels); draw(); }, () => {}); // without them a label can still be typed
}
