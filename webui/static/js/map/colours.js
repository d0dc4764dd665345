// Which colour a point has and whether it is shown: by its labels, or by their groups.

export const NONE = "no label";
export const GREY = "#8a94a1";
// Okabe and Ito's colours, told apart by colour-blind people too.
const PALETTE = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#f0e442"];

/** The groups among the labels, in the order of their names, each with a colour. */
export function groupsOf(labels) {
  const names = [...new Set(labels.map((label) => label.group).filter(Boolean))].sort();
  return names.map((name, at) => ({ name, colour: PALETTE[at % PALETTE.length] }));
}

/** points as the API gives them -> for each what it is called and coloured, and the entries of the legend by number. */
export function coloured(points, by) {
  const groups = new Map(groupsOf(points.labels).map((group) => [group.name, group]));
  const named = points.of.map((places) => {
    const labels = places.map((place) => points.labels[place]);
    if (by === "label") return labels[0] ?? null;
    return labels.map((label) => groups.get(label.group)).find(Boolean) ?? null;
  });
  const entries = new Map();
  for (const one of named) {
    const name = one?.name ?? NONE;
    const entry = entries.get(name) ?? { name, colour: one?.colour ?? GREY, count: 0, none: !one };
    entry.count += 1;
    entries.set(name, entry);
  }
  return { named, entries: [...entries.values()].sort((a, b) => a.none - b.none || b.count - a.count) };
}

/** What can be shown alone: "" is everything, "group:animal", "label:cat", "none". */
export function choices(labels) {
  return [
    ["", "everything"],
    ...groupsOf(labels).map(({ name }) => [`group:${name}`, `group ${name}`]),
    ...labels.map(({ name }) => [`label:${name}`, name]),
    ["none", "no label"],
  ];
}

/** Whether each point is shown. */
export function visible(points, show) {
  const [kind, name] = [show.slice(0, show.indexOf(":")), show.slice(show.indexOf(":") + 1)];
  if (show === "none") return points.of.map((places) => places.length === 0);
  if (kind === "group") return points.of.map((places) => places.some((place) => points.labels[place].group === name));
  if (kind === "label") return points.of.map((places) => places.some((place) => points.labels[place].name === name));
  return points.of.map(() => true);
}
