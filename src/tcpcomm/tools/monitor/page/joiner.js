// Joins rows: a request and its answer, and frames that came in one chunk.

const UNANSWERED = 1000; // commands whose answer may still come

export class Joiner {
  #lastIn = new Map(); // by session and direction: the last frame
  #commands = new Map(); // by row number: a command without an answer

  // Tell a new row its neighbours, and its neighbours about it. Rows come in order.
  join(row) {
    if (row.place > 1) this.#glue(row);
    if (row.hex) this.#lastIn.set(`${row.session}${row.direction}`, row);
    if (row.kind === "command") this.#expectAnswer(row);
    if (row.answers !== null) this.#answer(row);
  }

  #glue(row) {
    const before = this.#lastIn.get(`${row.session}${row.direction}`);
    if (before !== undefined) before.gluedToNext = true;
  }

  #expectAnswer(row) {
    this.#commands.set(row.number, row);
    if (this.#commands.size > UNANSWERED) this.#commands.delete(this.#commands.keys().next().value);
  }

  #answer(row) {
    const command = this.#commands.get(row.answers);
    if (command === undefined) return;
    row.request = command;
    command.reply = row;
    this.#commands.delete(row.answers);
  }
}
