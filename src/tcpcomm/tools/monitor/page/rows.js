// The rows of one session or link that the page keeps, and those of them that the filter lets through.

export const CAPACITY = 20_000;

// Rows beyond the capacity go in blocks, because removing them one by one would move all others each time.
const BLOCK = 2_000;

export class RowLog {
  all = [];
  shown = [];
  // Shown rows that went because of the capacity. The table moves its scroll position by them.
  trimmed = 0;
  // Rows that the server left out because this page was too slow.
  dropped = 0;
  #matches = null;

  // Keep more rows, oldest first.
  push(rows) {
    for (const row of rows) {
      this.all.push(row);
      if (this.#matches === null || this.#matches(row)) this.shown.push(row);
    }
    if (this.all.length > CAPACITY + BLOCK) this.#trim();
  }

  // Show only rows for which the function returns true; null shows all.
  filter(matches) {
    this.#matches = matches;
    this.shown = matches === null ? [...this.all] : this.all.filter(matches);
    this.trimmed = 0;
  }

  clear() {
    this.all = [];
    this.shown = [];
    this.trimmed = 0;
    this.dropped = 0;
  }

  // Return a copy that gets no more rows.
  frozen() {
    const copy = new RowLog();
    copy.all = [...this.all];
    copy.shown = [...this.shown];
    copy.dropped = this.dropped;
    copy.#matches = this.#matches;
    return copy;
  }

  #trim() {
    const removed = this.all.splice(0, this.all.length - CAPACITY);
    const first = this.all[0].number;
    let stale = 0;
    while (stale < this.shown.length && this.shown[stale].number < first) stale += 1;
    this.shown.splice(0, stale);
    this.trimmed += stale;
    return removed;
  }
}
