// The keys of the page. The table has its own: see parts/table.js.

import { language, LANGUAGES, nextTheme } from "./settings.js";
import * as store from "./store.js";

// Each key, the key of its words, and what it does. The help shows this list.
export const SHORTCUTS = [
  { key: "?", words: "keys.help", run: () => (store.helpIsOpen.value = !store.helpIsOpen.value) },
  { key: "/", words: "keys.filter", run: () => focus("#filter") },
  { key: "f", words: "keys.freeze", run: store.toggleFreeze },
  { key: "e", words: "keys.faults", run: () => (store.onlyFaults.value = !store.onlyFaults.value) },
  { key: "n", words: "keys.nextFault", run: () => chooseFault(1) },
  { key: "N", words: "keys.lastFault", run: () => chooseFault(-1) },
  { key: "p", words: "keys.pair", run: choosePair },
  { key: "t", words: "keys.table", run: () => focus("#rows") },
  { key: "c", words: "keys.command", run: openCommand },
  { key: "]", words: "keys.nextLink", run: () => chooseNeighbour(1) },
  { key: "[", words: "keys.lastLink", run: () => chooseNeighbour(-1) },
  { key: "1", words: "keys.links", run: () => (store.view.value = "links") },
  { key: "2", words: "keys.plot", run: () => (store.view.value = "plot") },
  { key: "3", words: "keys.recordings", run: () => (store.view.value = "recordings") },
  { key: "l", words: "keys.language", run: nextLanguage },
  { key: "d", words: "keys.theme", run: nextTheme },
  { key: "Escape", words: "keys.close", run: close },
];

// Listen to the keys from now on. A key that belongs to a field, or to the browser, is left alone.
export function applyShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.key !== "Escape" && event.target.closest("input, textarea, select")) return;
    const shortcut = SHORTCUTS.find(({ key }) => key === event.key);
    if (shortcut === undefined) return;
    event.preventDefault();
    shortcut.run();
  });
}

// Focus an element of the first view. Where that is not drawn yet, it is in the next frame of the screen.
function focus(selector) {
  store.view.value = "links";
  const find = () => document.querySelector(selector);
  find()?.focus();
  if (document.activeElement !== find()) requestAnimationFrame(() => find()?.focus());
}

function openCommand() {
  store.detailIsOpen.value = true;
  focus("#actions select, #actions input");
}

function close() {
  if (store.helpIsOpen.value) store.helpIsOpen.value = false;
  else if (document.activeElement?.matches("input, textarea, select")) document.activeElement.blur();
  else if (store.detailIsOpen.value) store.detailIsOpen.value = false;
  else store.row.value = null;
}

function nextLanguage() {
  language.value = LANGUAGES[(LANGUAGES.indexOf(language.value) + 1) % LANGUAGES.length];
}

function chooseNeighbour(step) {
  const ids = store.sortedSources().map(({ id }) => id);
  const next = ids[ids.indexOf(store.source.value) + step];
  if (next !== undefined) store.chooseSource(next);
}

// Choose the next row with something wrong after the chosen one, or the one before it.
function chooseFault(step) {
  const rows = store.shownLog().shown;
  const chosen = store.row.value?.number ?? (step > 0 ? -Infinity : Infinity);
  const found =
    step > 0
      ? rows.find((each) => each.bad && each.number > chosen)
      : rows.findLast((each) => each.bad && each.number < chosen);
  if (found !== undefined) store.chooseRow(found);
}

function choosePair() {
  const chosen = store.row.value;
  const pair = chosen?.request ?? chosen?.reply;
  if (pair) store.chooseRow(pair);
}
