// The state of the page: what the server told, what the user chose, and the rows that are kept.

import { ApiError, get } from "./api.js";
import { compile } from "./filter.js";
import { Joiner } from "./joiner.js";
import { Observable } from "./observable.js";
import { leftOut, rowReader } from "./row.js";
import { RowLog } from "./rows.js";
import { Stream } from "./stream.js";

const HISTORY = 2000; // rows that the server sends first when another source is chosen

export const hello = new Observable(null);
export const overview = new Observable(null);
export const view = new Observable("links"); // "links", "plot" or "recordings"
export const source = new Observable(null); // the id of the chosen source
export const session = new Observable(null); // the id of a session if only its rows are shown
export const row = new Observable(null); // the chosen row
export const tick = new Observable(0); // grows when rows were added
export const frozen = new Observable(null); // a RowLog that does not grow, or null
export const detailIsOpen = new Observable(false); // the right pane, where it does not stand beside the table
export const helpIsOpen = new Observable(false);

export const filterText = new Observable("");
// The groups of kinds that the table shows.
export const groups = new Observable({ commands: true, events: true, heartbeats: false, states: true });
export const onlyFaults = new Observable(false);

const ORDER = ["link", "server", "tap"]; // of the kinds of sources
const GROUP_OF = { event: "events", heartbeat: "heartbeats", state: "states", dropped: "states" };

export const log = new RowLog();

let joiner = new Joiner();
let readRow = null;
let lastNumber = 0;
let started = null;
let clockOffset = 0;

const stream = new Stream({ hello: onHello, overview: onOverview, rows: onRows, bye: () => {} });

export const line = stream.line;

// Begin. The first overview chooses the first source.
export function begin() {
  for (const observable of [filterText, groups, onlyFaults, session]) observable.watch(refilter);
  refilter();
  stream.watch("none", () => ({ history: 0 }));
}

export function retry() {
  stream.retry();
}

// Show another source, from its newest rows on.
export function chooseSource(id, sessionId = null) {
  if (id === source.value) {
    session.value = sessionId;
    return;
  }
  source.value = id;
  session.value = sessionId;
  history.replaceState(null, "", `#source=${encodeURIComponent(id)}`); // for a reload, and for a bookmark
  beginAnew();
  log.separatesSessions = sourceById(id)?.kind !== "link";
  stream.watch(id, () => (lastNumber > 0 ? { after: lastNumber, history: HISTORY } : { history: HISTORY }));
}

// Forget the rows of the page. The server keeps its own, and sends what comes from now on.
export function clearRows() {
  log.clear();
  frozen.value = null;
  row.value = null;
  tick.value += 1;
}

// Begin again with the newest rows that the server has.
function beginAnew() {
  clearRows();
  joiner = new Joiner();
  lastNumber = 0;
}

export function chooseRow(chosen) {
  row.value = chosen;
  if (chosen !== null) detailIsOpen.value = true;
}

// Stop the table where it is, or let it go on. Rows are kept all the time.
export function toggleFreeze() {
  frozen.value = frozen.value === null ? log.frozen() : null;
  tick.value += 1;
}

// The log that the table shows: the live one, or the frozen one.
export function shownLog() {
  return frozen.value ?? log;
}

// The time of the server now, in seconds since 1970.
export function serverNow() {
  return performance.now() / 1000 + clockOffset;
}

export function sourceById(id) {
  return overview.value?.sources.find((each) => each.id === id) ?? null;
}

// The sources in the order in which the page shows them: links first, because they can fail.
export function sortedSources() {
  const rank = ({ kind }) => ORDER.indexOf(kind);
  return [...(overview.value?.sources ?? [])].sort((one, other) => rank(one) - rank(other));
}

export function sessionsOf(id) {
  return overview.value?.sessions.filter((each) => each.source === id) ?? [];
}

// True if rows of several sessions stand among each other. Those of a link follow each other.
export function hasSeveralSessions(id) {
  return sourceById(id)?.kind !== "link" && sessionsOf(id).length > 1;
}

export function livingSessionsOf(id) {
  return sessionsOf(id).filter(({ state }) => state !== "closed");
}

function onHello(told) {
  const isAnother = started !== null && told.started !== started;
  started = told.started;
  readRow = rowReader(told.columns);
  hello.value = told;
  if (!isAnother) return;
  // The server began anew, and so did its row numbers.
  beginAnew();
  descriptions.clear();
  stream.retry();
}

function onOverview(told) {
  clockOffset = told.now - performance.now() / 1000;
  overview.value = told;
  const isKnown = (wanted) => told.sources.some(({ id }) => id === wanted);
  if (isKnown(source.value) || told.sources.length === 0) return;
  const asked = new URLSearchParams(location.hash.slice(1)).get("source");
  chooseSource(isKnown(asked) ? asked : sortedSources()[0].id);
}

function onRows({ t: time, rows, dropped }) {
  const sides = new Map((overview.value?.sessions ?? []).map((each) => [each.id, each.equipment]));
  const side = sourceById(source.value)?.equipment ?? false;
  // Numbers of rows are whole, so the line for those that are missing fits in front of the next one.
  const added = dropped > 0 ? [leftOut(lastNumber + 0.5, time, dropped)] : [];
  for (const values of rows) {
    const next = readRow(values);
    if (next.number <= lastNumber) continue; // it came before the stream broke, too
    lastNumber = next.number;
    next.setSide(sides.get(next.session) ?? side);
    joiner.join(next);
    added.push(next);
  }
  log.dropped += dropped;
  log.push(added);
  tick.value += 1;
}

function refilter() {
  const matchesText = compile(filterText.value);
  const shownGroups = groups.value;
  const only = onlyFaults.value;
  const chosen = session.value;
  const matches = (each) =>
    (only ? each.bad : shownGroups[GROUP_OF[each.kind] ?? "commands"] || each.bad) &&
    (chosen === null || each.session === chosen) &&
    (matchesText === null || matchesText(each));
  log.filter(matches);
  frozen.value?.filter(matches);
  tick.value += 1;
}

const descriptions = new Map();

// Return what the server tells about a declaration, or null if there is none. It is asked once.
export async function describe(declaration) {
  if (declaration === null || declaration === undefined) return null;
  if (!descriptions.has(declaration)) descriptions.set(declaration, await get("describe", { declaration }));
  return descriptions.get(declaration);
}

// Return the words of an error for a person.
export function wordsOf(error) {
  return error instanceof ApiError ? error.message : String(error);
}
