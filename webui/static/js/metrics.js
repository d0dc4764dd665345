// Reads a share (0 to 1) out of an encoder's metrics, whatever measures its evaluation wrote.

/** The first number whose name matches, at the top or one level down; percentages become shares; null if there is none. */
export function figure(metrics, pattern) {
  for (const [name, value] of Object.entries(metrics ?? {})) {
    if (typeof value === "number" && pattern.test(name)) return value > 1 ? value / 100 : value;
  }
  for (const value of Object.values(metrics ?? {})) {
    if (value && typeof value === "object" && !Array.isArray(value)) {
      const found = figure(value, pattern);
      if (found !== null) return found;
    }
  }
  return null;
}
