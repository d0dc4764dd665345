// Where each tile of a grid lies: rows of so many columns, with lines across between some of them. Numbers only, no page.

export class Layout {
  /** count: tiles, each `cell` px wide and high, `gap` px apart; lines: the tiles before which one lies, `line` px high. */
  constructor({ count, lines = [], columns, cell, gap, line }) {
    Object.assign(this, { count, columns, cell, pitch: cell + gap, parts: [], rows: 0, height: 0 });
    let first = 0;
    for (const next of [...lines.filter((at) => at > 0 && at < count), count]) {
      this.part(first, next, lines.includes(first) ? line + gap : 0);
      first = next;
    }
  }

  /** The tiles from `first` to before `next` begin in a row of their own, below a line if that takes any px. */
  part(first, next, line) {
    this.parts.push({ first, next, line, row: this.rows, top: this.height });
    const rows = Math.ceil((next - first) / this.columns);
    this.rows += rows + (line ? 1 : 0);
    this.height += line + rows * this.pitch;
  }

  holding(test) {
    return this.parts.findLast(test) ?? this.parts[0];
  }

  /** The number of the row that a tile is in; lines have numbers too. */
  rowOf(index) {
    const { first, row, line } = this.holding((part) => part.first <= index);
    return row + (line ? 1 : 0) + Math.floor((index - first) / this.columns);
  }

  /** What a row holds: its tiles from `first` to before `next`, or a line (then there are none), and its top in px. */
  at(number) {
    const part = this.holding(({ row }) => row <= number);
    const below = number - part.row - (part.line ? 1 : 0);
    if (below < 0) return { line: true, first: part.first, next: part.first, top: part.top };
    const first = part.first + below * this.columns;
    return { line: false, first, next: Math.min(part.next, first + this.columns), top: part.top + part.line + below * this.pitch };
  }

  /** The first and the last row that has anything between these two heights; the nearest one where none has. */
  between(from, to) {
    return [from, to].map((y) => {
      const part = this.holding(({ top }) => top <= y);
      const below = Math.floor((y - part.top - part.line) / this.pitch);
      return Math.min(this.rows - 1, Math.max(0, part.row + (part.line ? 1 : 0) + Math.max(part.line ? -1 : 0, below)));
    });
  }

  /** The tiles that a rectangle touches, ascending. */
  touched({ left, right, top, bottom }) {
    const found = [];
    if (!this.rows) return found;
    const columns = [Math.ceil((left - this.cell) / this.pitch), Math.floor(right / this.pitch)];
    const [from, to] = this.between(top, bottom);
    for (let number = from; number <= to; number += 1) {
      const row = this.at(number);
      if (row.top > bottom || row.top + this.cell < top) continue;
      for (let index = row.first + Math.max(0, columns[0]); index <= Math.min(row.next - 1, row.first + columns[1]); index += 1) found.push(index);
    }
    return found;
  }

  /** The tile that an arrow key leads to from this one; itself at the rim. */
  step(index, key) {
    if (key === "ArrowLeft") return Math.max(0, index - 1);
    if (key === "ArrowRight") return Math.min(this.count - 1, index + 1);
    const by = key === "ArrowUp" ? -1 : 1;
    const column = index - this.at(this.rowOf(index)).first;
    for (let number = this.rowOf(index) + by; number >= 0 && number < this.rows; number += by) {
      const { line, first, next } = this.at(number);
      if (!line) return Math.min(first + column, next - 1);
    }
    return index;
  }
}
