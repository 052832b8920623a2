// Numbers of rows over time, for the plot. A field is {key, name, path}: the value at a path of a message.

const ROUND_TRIP = "took";
const SEEN = 3000; // newest rows in which fields are looked for

// Return the numeric fields of the newest rows, sorted by their names.
export function fieldsOf(rows) {
  const found = new Map();
  for (const row of rows.slice(-SEEN)) {
    if (!row.name) continue;
    if (row.took !== null) add(found, row.name, ROUND_TRIP);
    for (const [path, value] of Object.entries(row.flat())) {
      if (typeof value === "number") add(found, row.name, path);
    }
  }
  return [...found.values()].sort((one, other) => rank(one) - rank(other) || one.label.localeCompare(other.label));
}

// Results are what people look for first, then the times, then the values of commands and events.
function rank({ path }) {
  if (path.startsWith("result")) return 0;
  return path === ROUND_TRIP ? 1 : 2;
}

function add(found, name, path) {
  const key = `${name} ${path}`;
  if (found.has(key)) return;
  const short = path.replace(/^result\.?/, "") || "result";
  found.set(key, { key, name, path, label: `${name}: ${short}` });
}

export function isRoundTrip({ path }) {
  return path === ROUND_TRIP;
}

// Return [times, values] of a field, oldest first. Round trips are in milliseconds.
export function seriesOf(rows, field) {
  const times = [];
  const values = [];
  for (const row of rows) {
    if (row.name !== field.name) continue;
    const value = isRoundTrip(field) ? row.took && row.took * 1000 : row.flat()[field.path];
    if (typeof value !== "number") continue;
    times.push(row.time);
    values.push(value);
  }
  return [times, values];
}
