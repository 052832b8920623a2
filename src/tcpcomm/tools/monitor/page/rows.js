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
  // True if a gap counts from the row before in the same session. The sessions of a link follow each other.
  separatesSessions = true;
  #matches = null;
  #lastTimes = new Map(); // by session: the time of its last shown row

  // Keep more rows, oldest first.
  push(rows) {
    for (const row of rows) {
      this.all.push(row);
      if (this.#matches === null || this.#matches(row)) this.#show(row);
    }
    if (this.all.length > CAPACITY + BLOCK) this.#trim();
  }

  // Show only rows for which the function returns true; null shows all.
  filter(matches) {
    this.#matches = matches;
    this.shown = [];
    this.trimmed = 0;
    this.#lastTimes.clear();
    for (const row of this.all) if (matches === null || matches(row)) this.#show(row);
  }

  clear() {
    this.all = [];
    this.shown = [];
    this.trimmed = 0;
    this.dropped = 0;
    this.#lastTimes.clear();
  }

  // Return a copy that gets no more rows.
  frozen() {
    const copy = new RowLog();
    copy.all = [...this.all];
    copy.shown = [...this.shown];
    copy.dropped = this.dropped;
    copy.separatesSessions = this.separatesSessions;
    copy.#matches = this.#matches;
    return copy;
  }

  #show(row) {
    const session = this.separatesSessions ? row.session : "all";
    const before = this.#lastTimes.get(session);
    row.gap = before === undefined ? null : row.time - before;
    this.#lastTimes.set(session, row.time);
    this.shown.push(row);
  }

  #trim() {
    this.all.splice(0, this.all.length - CAPACITY);
    const first = this.all[0].number;
    let stale = 0;
    while (stale < this.shown.length && this.shown[stale].number < first) stale += 1;
    this.shown.splice(0, stale);
    this.trimmed += stale;
  }
}
