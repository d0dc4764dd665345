// The encoders page: what there is, which one serves, one more, the way to another, and the way back.

import { api } from "../api.js";
import { byId, h, icon, repeat } from "../dom.js";
import { plural } from "../format.js";
import { may } from "../may.js";
import { toast } from "../toast.js";
import { Promotion } from "./promotion.js";
import { EncoderTable } from "./table.js";
import { takeIn } from "./take_in.js";
import { trainForm } from "../training/form.js";

const ACTIVE = ["scanning", "running"];
const table = new EncoderTable({ promote: (encoder) => open(encoder) });
const promotion = new Promotion({
  changed: () => refresh(),
  switched: (encoder, lack) => {
    told(`${encoder.name} serves now.`, lack);
    byId("go-back").focus();
  },
});
let rows = [];

/** In the address, so that the page comes back to where the promotion was. */
function open(encoder) {
  history.replaceState(null, "", `?promote=${encoder.id}`);
  promotion.open(encoder, rows);
  table.show(rows, encoder.id);
}

function told(text, lack, job = null) {
  const rest = lack ? ` ${plural(lack, "photo")} came since${job === null ? " and cannot be read any more." : ": found once they are embedded."}` : "";
  toast(`${text}${rest}`);
}

function offerTheWayBack() {
  const button = byId("go-back");
  const before = rows.find((row) => row.previous);
  button.hidden = !before;
  if (before) button.replaceChildren(icon("undo"), `Back to ${before.name}`);
}

byId("go-back").addEventListener("click", async () => {
  const before = rows.find((row) => row.previous);
  const button = byId("go-back");
  button.disabled = true;
  try {
    const done = await api("/encoders/rollback", { method: "POST" });
    told(`${before.name} serves again.`, done.lack, done.job);
  } catch (error) {
    toast(error.message, { bad: true });
  }
  button.disabled = false;
  refresh();
});

const refresh = repeat(async () => {
  const place = byId("encoders");
  place.removeAttribute("aria-busy");
  try {
    rows = (await api("/encoders")).encoders;
  } catch (error) {
    if (!rows.length) place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "Encoders cannot be read now"), h("p", {}, error.message)));
    return 3000;
  }
  const wanted = new URLSearchParams(location.search).get("promote");
  const first = may("promote") && !promotion.encoder && wanted && rows.find((row) => row.id === wanted && !row.serving);
  if (first) promotion.open(first, rows);
  promotion.update(rows);
  table.show(rows, promotion.encoder?.id);
  offerTheWayBack();
  return rows.some((row) => row.job && (ACTIVE.includes(row.job.state) || row.job.state === "done")) ? 1000 : 5000;
});

trainForm();
takeIn((encoder) => {
  toast(`${encoder.name} is here; it serves once it is promoted.`);
  refresh();
});
