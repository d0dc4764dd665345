// Users: added with a link to send them, given another role, shut out and let in again.

import { api } from "../api.js";
import { byId, h, icon } from "../dom.js";
import { moment } from "../format.js";
import { toast } from "../toast.js";
import { showOnce, submitted } from "./once.js";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const ROLES = ["viewer", "labeller", "admin"];

/** changed(): something was done; known(users): who there is now. */
export function people({ changed, known }) {
  const invited = (answer) => showOnce(byId("user-link"),
    `Send this link to ${answer.user.name}: by it they choose their password, once, within three days.${LOOPBACK.includes(location.hostname) ? " It works in a browser on this machine alone." : ""}`, location.origin + answer.link);

  async function act(done, path, options) {
    try {
      const answer = await api(path, options);
      if (done) toast(done);
      await show();
      changed();
      return answer;
    } catch (error) {
      toast(error.message, { bad: true });
      await show();
      return null;
    }
  }

  const change = (user, what, done) => act(done, `/users/${user.id}`, { method: "PATCH", json: what });

  function row(user) {
    const role = h("select", { "aria-label": `Role of ${user.name}`, onchange: () => change(user, { role: role.value }, `${user.name} is ${role.value} now.`) },
      ...ROLES.map((name) => h("option", {}, name)));
    role.value = user.role;
    const state = user.disabled ? ["state failed", "shut out"] : user.joined ? null : ["state", "invited"];
    const button = (text, run, kind = "outline") => h("button", { type: "button", class: `${kind} small`, onclick: run }, text, h("span", { class: "visually-hidden" }, ` ${user.name}`));
    const link = async () => { const answer = await act(null, `/users/${user.id}/link`, { method: "POST" }); if (answer) invited(answer); };
    return h("tr", { class: user.disabled ? "gone" : null, "data-user": user.name },
      h("td", {}, h("span", { class: "with-dot" }, user.name, state && h("span", { class: state[0] }, state[1]))),
      h("td", {}, role), h("td", { class: "when" }, user.seen_at === null ? "" : moment(user.seen_at)), h("td", { class: "when" }, moment(user.created_at)),
      h("td", {}, h("div", { class: "row-buttons" }, user.disabled ? null : button("New link", link),
        user.disabled ? button("Let in", () => change(user, { disabled: false }, `${user.name} may come in again.`)) : button("Shut out", () => change(user, { disabled: true }, `${user.name} is shut out, their tokens are revoked.`), "outline danger"))));
  }

  async function show() {
    const place = byId("users");
    try {
      const { users } = await api("/users");
      const heads = ["Name", "Role", "Last seen", "Added"].map((name) => h("th", { scope: "col" }, name));
      place.replaceChildren(users.length
        ? h("div", { class: "table-wrap" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Actions")))), h("tbody", {}, ...users.map(row))))
        : h("div", { class: "nothing" }, icon("plus"), h("strong", {}, "No users yet"), h("p", {}, "Whoever is added gets a link by which they choose their password.")));
      known(users);
    } catch (error) {
      place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "Users cannot be read now"), h("p", {}, error.message)));
    }
    place.removeAttribute("aria-busy");
  }

  byId("new-user").addEventListener("submit", (event) => submitted(event, byId("user-error"), async () => {
    const answer = await api("/users", { method: "POST", json: { name: byId("new-user-name").value, role: byId("new-user-role").value } });
    await show();
    invited(answer);
    changed();
  }));
  show();
}
