// How a step's pictures arrive, and what a confirm would decide of them.

export class Proposal {
  constructor(selection, kept) {
    Object.assign(this, { selection, kept, arrived: new Set(), otherwise: () => false });
  }

  /**
   * What lies above the line arrives selected, but for what carries another label: otherwise(id). A page without a line,
   * or all below it, arrives as most of the last one was decided: nothing tells better, and one key changes it. What the
   * person had changed the last time these pictures were shown is changed again, but in a random check. Returns where the line is drawn.
   */
  arrive({ kind, results, cut }, otherwise, stands = new Map()) {
    this.otherwise = otherwise;
    const ids = results.map((result) => result.image_id);
    const mostlyRight = kind === "page" ? !this.kept.mostlyWrong : kind !== "check";
    const line = cut || (cut === null || mostlyRight ? ids.length : 0);
    const above = new Set(ids.slice(0, line).flatMap((id) => [id, ...(stands.get(id) ?? [])]));
    const select = Boolean(cut) || mostlyRight;
    // Invert changes the sides of what lies above the line; where nothing does, of all that is open.
    const open = (id) => !otherwise(id) && (above.has(id) || !above.size);
    this.selection.reset(ids, open, (id) => select && above.has(id) && open(id), stands);
    this.arrived = new Set(this.selection.chosen);
    // A check tells of what nobody has looked at: it begins with nothing, whatever its pictures were taken for before.
    if (kind !== "check") for (const id of ids) if (this.kept.choices.has(id)) this.selection.set(id, this.kept.choices.get(id));
    return line;
  }

  /** The person has changed something. */
  note() {
    this.kept.note(this.selection.images(this.selection.ids), { chosen: (id) => this.selection.chosen.has(id), arrived: (id) => this.arrived.has(id) });
  }

  /**
   * Everything shown is decided: selected is yes, the rest no. That holds for what carries another label too: left open,
   * it would be shown again on every page. other: how many of them are a no, both: how many are a yes.
   */
  decision() {
    const { selection, otherwise } = this;
    const yes = selection.selected;
    const no = selection.shown.filter((id) => !selection.chosen.has(id));
    return { yes, no, other: no.filter(otherwise).length, both: yes.filter(otherwise).length };
  }
}
