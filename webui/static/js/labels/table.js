// The table of labels: a part for each group, those without one last.

import { h } from "../dom.js";
import { count, percent, plural } from "../format.js";
import { refused } from "../may.js";

const HEADS = [["Label"], ["Of the largest"], ["Pictures", "number"], ["Ruled out", "number"], ["", "number"]];

/**
 * of: { photos: how many there are in all, largest: the most that one label has }; act: { change(label), merge(label),
 * group(group) }. Groups without a label are shown too, so that they can be deleted.
 */
export function labelTable(labels, groups, of, act) {
  const names = [...new Set([...groups.map((group) => group.name), ...labels.map((label) => label.group).filter(Boolean)])];
  const known = new Map(groups.map((group) => [group.name, group]));
  const row = (label) => h("tr", { "data-label": label.id },
    h("td", {}, h("a", { class: "with-dot label-link", href: `/labels/${label.id}` }, h("i", { class: "dot", vars: { c: label.colour } }), h("span", {}, label.name))),
    h("td", {}, h("div", { class: "share", title: `${percent(label.yes / Math.max(1, of.photos))} of all photos`, vars: { share: (100 * label.yes) / Math.max(1, of.largest), c: label.colour } }, h("i"))),
    h("td", { class: "number" }, count(label.yes)), h("td", { class: "number dim" }, label.no ? count(label.no) : ""),
    h("td", { class: "number" }, h("span", { class: "row-buttons" },
      h("a", { class: `button quiet small${refused("begin_hunt")}`, href: `/hunts?label=${encodeURIComponent(label.name)}`, "aria-label": `Hunt for ${label.name}` }, "Hunt"),
      h("button", { type: "button", class: `quiet small merge${refused("merge")}`, "aria-label": `Merge ${label.name} into another label`, onclick: () => act.merge(label) }, "Merge"),
      h("button", { type: "button", class: `outline small change${refused("change_label")}`, "aria-label": `Change ${label.name}: name, colour, group`, onclick: () => act.change(label) }, "Change"))));
  const part = (name) => {
    const members = labels.filter((label) => (label.group ?? null) === name);
    if (!members.length && !known.has(name)) return null;
    return h("tbody", {}, names.length ? heading(name, members, known.get(name), act) : null, ...members.map(row));
  };
  return h("div", { class: "table-wrap" }, h("table", { class: "labels" },
    h("thead", {}, h("tr", {}, ...HEADS.map(([name, kind]) => h("th", { scope: "col", class: kind }, name || h("span", { class: "visually-hidden" }, "Actions"))))),
    ...names.map(part).filter(Boolean), part(null) ?? ""));
}

function heading(name, members, group, act) {
  const about = group && (group.exclusive ? "a picture is one of them at most" : "a picture may be several of them");
  return h("tr", { class: "group", "data-group": group?.id },
    h("th", { scope: "rowgroup", colSpan: HEADS.length - 1 }, name ?? "No group", h("span", { class: "dim" }, [plural(members.length, "label"), about].filter(Boolean).join(" · "))),
    h("td", { class: "number" }, group ? h("button", { type: "button", class: `quiet small${refused("change_group")}`, "aria-label": `Change the group ${name}`, onclick: () => act.group(group) }, "Change group") : null));
}
