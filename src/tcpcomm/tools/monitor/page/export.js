// Rows as text for other programs.

import { ascii, bytesOf } from "./format.js";

// Return rows as CSV with a line of names. Excel needs the mark at the beginning to see that it is UTF-8.
export function csvOf(rows) {
  const lines = rows.map((row) => Object.values(plain(row)).map(quoted).join(","));
  return `\ufeff${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`;
}

// Return one JSON object a line.
export function jsonLinesOf(rows) {
  const whole = (row) => ({ ...plain(row), values: row.values, answers: row.answers });
  return rows.map((row) => `${JSON.stringify(whole(row))}\n`).join("");
}

function plain(row) {
  return {
    row: row.number,
    session: row.session,
    time: isoTime(row.time),
    gap_us: row.gap === null ? null : Math.round(row.gap * 1e6),
    direction: row.direction === "" ? "" : row.toEquipment ? "to equipment" : "from equipment",
    kind: row.kind,
    name: row.name,
    decoded: row.signature(),
    took_ms: row.took === null ? null : Number((row.took * 1000).toFixed(3)),
    bytes: row.bytes,
    hex: row.hex,
    ascii: ascii(bytesOf(row.hex)),
    reason: row.text,
  };
}

const COLUMNS = [
  "row",
  "session",
  "time",
  "gap_us",
  "direction",
  "kind",
  "name",
  "decoded",
  "took_ms",
  "bytes",
  "hex",
  "ascii",
  "reason",
];

// Seconds since 1970 as "2026-11-29T05:12:41.203118Z".
function isoTime(seconds) {
  const micros = Math.round(seconds * 1e6);
  const millis = new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1);
  return `${millis}${String(micros % 1000).padStart(3, "0")}Z`;
}

// A cell that begins like a formula gets a quote in front, so that no spreadsheet runs what a peer sent.
function quoted(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
