// API tokens: made in a user's name, their secret shown once, revoked at once.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { moment } from "../format.js";
import { toast } from "../toast.js";
import { showOnce, submitted } from "./once.js";

/** changed(): something was done. */
export function tokens({ changed }) {
  async function revoke(token) {
    try {
      await api(`/tokens/${token.id}`, { method: "DELETE" });
      toast(`${token.name} is revoked.`);
    } catch (error) {
      toast(error.message, { bad: true });
    }
    await show();
    changed();
  }

  function state(token) {
    if (token.revoked_at !== null) return "revoked";
    return token.expires_at !== null && token.expires_at * 1000 < Date.now() ? "ended" : null;
  }

  function row(token) {
    const over = state(token);
    const name = h("span", { class: "visually-hidden" }, ` ${token.name}`);
    return h("tr", { class: over ? "gone" : null },
      h("td", {}, h("span", { class: "with-dot" }, token.name, over && h("span", { class: "state" }, over))),
      h("td", {}, token.user), h("td", {}, token.scope),
      h("td", { class: "when" }, token.used_at === null ? "never" : moment(token.used_at)),
      h("td", { class: "when" }, token.expires_at === null ? "never" : moment(token.expires_at)),
      h("td", {}, h("div", { class: "row-buttons" }, over ? null : h("button", { type: "button", class: "outline danger small", onclick: () => revoke(token) }, "Revoke", name))));
  }

  async function show() {
    const place = byId("tokens");
    try {
      const found = (await api("/tokens")).tokens;
      const heads = ["Token", "Owner", "May", "Last used", "Ends"].map((name) => h("th", { scope: "col" }, name));
      place.replaceChildren(found.length
        ? h("div", { class: "table-wrap" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Actions")))), h("tbody", {}, ...found.map(row))))
        : h("p", { class: "dim" }, "No tokens yet."));
    } catch (error) {
      place.replaceChildren(h("p", { class: "form-error" }, error.message));
    }
    place.removeAttribute("aria-busy");
  }

  byId("new-token").addEventListener("submit", (event) => submitted(event, byId("token-error"), async () => {
    const days = byId("new-token-days").value;
    const json = { user: Number(byId("new-token-user").value), name: byId("new-token-name").value, scope: byId("new-token-scope").value, days: days ? Number(days) : null };
    const made = await api("/tokens", { method: "POST", json });
    await show();
    showOnce(byId("token-secret"), `The secret of ${made.token.name}. It is not shown again.`, made.secret);
    changed();
  }));
  show();
  return {
    again: show,

    /** Who a token can be made for. */
    owners(users) {
      const before = byId("new-token-user").value;
      const able = users.filter((user) => !user.disabled);
      byId("new-token-user").replaceChildren(...able.map((user) => h("option", { value: String(user.id) }, user.name)));
      if (able.some((user) => String(user.id) === before)) byId("new-token-user").value = before;
    },
  };
}
