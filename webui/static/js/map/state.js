// What the map page shows, as its address.

export const DIMENSIONS = [2, 3];
export const COLOURINGS = ["label", "group"];
const HEX = /^[0-9a-f]{64}$/;

/** "?d=3&by=group&show=group:animal" -> state. What does not parse is left out, never guessed. */
export function readState(search) {
  const query = new URLSearchParams(search);
  const id = (name) => (HEX.test(query.get(name) ?? "") ? query.get(name) : null);
  const by = query.get("by");
  return {
    dimensions: query.get("d") === "3" ? 3 : 2,
    encoder: id("encoder"),
    beside: id("beside"),
    by: COLOURINGS.includes(by) ? by : "label",
    show: query.get("show") ?? "",
  };
}

export function writeState(state) {
  const query = new URLSearchParams();
  if (state.dimensions === 3) query.set("d", "3");
  if (state.encoder) query.set("encoder", state.encoder);
  if (state.beside) query.set("beside", state.beside);
  if (state.by !== "label") query.set("by", state.by);
  if (state.show) query.set("show", state.show);
  const text = query.toString();
  return text ? `/map?${text}` : "/map";
}
