// One row of the frame list: a frame, a chunk that is no frame, a fault, or a change of state.

import { ascii, bytesOf } from "./format.js";

// Kinds that are wrong in themselves. A fault is a reply of the equipment: a "no" that it may say.
const WRONG = new Set(["error", "unreadable", "fault"]);

// Kinds whose text is a reason, or a piece of news, and no sign of trouble.
const PLAIN_TEXT = new Set(["half", "state", "altered"]);

// Return a function that makes rows of the arrays that the server sends.
export function rowReader(columns) {
  const at = Object.fromEntries(columns.map((name, index) => [name, index]));
  return (values) => new Row((name) => values[at[name]]);
}

// A line that stands for rows which the server left out, because this page was too slow for them.
export function leftOut(number, time, count) {
  const known = { id: number, time, kind: "dropped", values: { count } };
  const rest = { session: null, answers: null, took: null, bytes: 0, chunks: 1, place: 1 };
  return new Row((name) => known[name] ?? (name in rest ? rest[name] : ""));
}

export class Row {
  // Seconds since the shown row before it; null for the first. See RowLog.separatesSessions.
  gap = null;
  // The row of the command that this one answers, and the answer of this command, where the page has them.
  request = null;
  reply = null;
  // The next frame came in the same chunk as this one.
  gluedToNext = false;

  #searched = null;
  #flat = null;

  constructor(value) {
    this.number = value("id");
    this.session = value("session");
    this.time = value("time");
    this.direction = value("direction");
    this.kind = value("kind");
    this.name = value("name");
    this.values = value("values");
    this.hex = value("hex");
    this.bytes = value("bytes");
    this.answers = value("answers");
    this.took = value("took");
    this.text = value("text");
    this.chunks = value("chunks");
    this.place = value("place");
    // True if the equipment got it. The session tells which side this program is; see setSide.
    this.toEquipment = this.direction === "out";
  }

  // A received frame goes to the equipment if this side is the equipment.
  setSide(isEquipment) {
    this.toEquipment = this.direction === (isEquipment ? "in" : "out");
  }

  get bad() {
    return WRONG.has(this.kind) || (this.text !== "" && !PLAIN_TEXT.has(this.kind));
  }

  get cut() {
    return this.chunks > 1 || this.kind === "half";
  }

  get glued() {
    return this.place > 1 || this.gluedToNext;
  }

  // What is known of a wrong checksum, or null. The words of the server name all of it.
  get checksum() {
    const words = /whose (\S+)(?: over bytes (\d+) to (\d+)( behind the header)?)? is (\S+), not (\S+)/;
    const [, name, first, last, behind, came, expected] = words.exec(this.text) ?? [];
    if (name === undefined) return null;
    const counted = first === undefined ? "expected" : behind ? "behind" : "over";
    return { name, came, expected, counted: { key: `checksum.${counted}`, first, last } };
  }

  // The text that the filter searches, in small letters.
  get searched() {
    this.#searched ??= [this.kind, this.signature(), this.text, ascii(bytesOf(this.hex))].join(" ").toLowerCase();
    return this.#searched;
  }

  // The values with their paths: {"result.x": 12.3}.
  flat() {
    this.#flat ??= flatten(this.values ?? {});
    return this.#flat;
  }

  // The decoded row as a call: "locate(job=3)", "alarm(code=7)", "x=12.3, y=4.5" for a reply.
  signature() {
    if (this.kind === "reply") return shownResult(this.values);
    if (this.kind === "state") return ""; // its text says all, and its name is only the id of a source
    const inside = this.values === null ? "" : listed(this.values);
    if (this.kind === "fault") return shownFault(this.values);
    return this.name || inside ? `${this.name}(${inside})` : "";
  }
}

function shownResult(values) {
  if (values === null || values.result === undefined || values.result === null) return "";
  return isRecord(values.result) ? listed(values.result) : shown(values.result);
}

// True for a value with named fields.
export function isRecord(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function shownFault(values) {
  return `Fault(${Object.values(values ?? {}).filter(isThere).map(shown).join(", ")})`;
}

function listed(values) {
  return Object.entries(values)
    .filter(([, value]) => isThere(value))
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(", ");
}

function isThere(value) {
  return value !== null;
}

// A value as the page shows it: texts in quotes, lists and objects as JSON.
export function shown(value) {
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

function flatten(value, path = "", found = {}) {
  if (value === null || typeof value !== "object") {
    found[path] = value;
  } else {
    for (const [name, inner] of Object.entries(value)) {
      flatten(inner, Array.isArray(value) ? `${path}[${name}]` : path ? `${path}.${name}` : name, found);
    }
  }
  return found;
}
