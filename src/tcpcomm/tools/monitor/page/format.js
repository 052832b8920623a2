// Numbers, times and bytes as people read them. Nothing here knows the language, except by `t`.

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

// 10214 is "10,214". Korean and English group alike.
export function count(number) {
  return grouped.format(number);
}

// Seconds since 1970 as local time to the microsecond: "05:12:41.203 118".
export function clock(seconds) {
  const micros = Math.round(seconds * 1e6);
  const date = new Date(Math.floor(micros / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const rest = String(micros % 1e6).padStart(6, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${time}.${rest.slice(0, 3)} ${rest.slice(3)}`;
}

// Seconds since 1970 as a local date and time to the second: "2026-11-29 05:12:41".
export function date(seconds) {
  const moment = new Date(seconds * 1000);
  const local = new Date(moment - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}

// Seconds that something took, with three digits: "0.83 µs" is of no use, "83 µs", "1.19 ms", "2.50 s" are.
export function took(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toPrecision(3)} ms`;
  return `${seconds.toPrecision(3)} s`;
}

// Seconds between two rows in microseconds, without their sign: "98,402"; from a second on "1.38 s".
export function gap(seconds) {
  if (seconds === null) return "";
  return seconds < 1 ? count(seconds * 1e6) : `${seconds.toFixed(2)} s`;
}

// Seconds of a state, without fractions that nobody needs: "0.4 s", "12 s", "3 min", "5 h".
export function age(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

// Frames in a second: "0", "0.2", "12", "10,214".
export function rate(number) {
  if (number > 0 && number < 10) return number.toFixed(1).replace(/\.0$/, "");
  return count(number);
}

// A size of a file or a frame: "512 B", "18.2 kB", "3.4 MB".
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1000).toPrecision(3)} kB`;
  return `${(bytes / 1e6).toPrecision(3)} MB`;
}

// "54524732" as "54 52 47 32".
export function spaced(hex) {
  return hex.replace(/(..)(?=.)/g, "$1 ").toUpperCase();
}

// The bytes of a string of hex digits.
export function bytesOf(hex) {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

// Bytes as ASCII. A byte that is not printable is a middle dot.
export function ascii(bytes) {
  let text = "";
  for (const byte of bytes) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
  return text;
}

// The lines of a hex dump, each with its offset and at most `width` bytes.
export function dump(bytes, width = 16) {
  const lines = [];
  for (let offset = 0; offset < bytes.length; offset += width) {
    const shown = offset.toString(16).padStart(4, "0").toUpperCase();
    lines.push({ offset: shown, bytes: bytes.slice(offset, offset + width) });
  }
  return lines;
}

// A byte as two hex digits.
export function twoDigits(byte) {
  return byte.toString(16).padStart(2, "0").toUpperCase();
}
