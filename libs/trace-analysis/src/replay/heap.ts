/** A binary heap. `pop` removes and returns the least item by `compare`. */
export class Heap<T> {
  private readonly items: T[] = [];
  constructor(private readonly compare: (a: T, b: T) => number) {}

  get size(): number {
    return this.items.length;
  }

  /** The least item, without removing it. */
  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = items[up];
      if (above === undefined || this.compare(above, item) <= 0) break;
      items[at] = above;
      at = up;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      const left = items[down];
      if (left === undefined) break;
      let child = left;
      const right = items[down + 1];
      if (right !== undefined && this.compare(right, left) < 0) {
        down += 1;
        child = right;
      }
      if (this.compare(last, child) <= 0) break;
      items[at] = child;
      at = down;
    }
    items[at] = last;
    return top;
  }
}
