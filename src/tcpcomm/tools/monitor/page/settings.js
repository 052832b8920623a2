// The choices that the browser remembers: the language, and light or dark.

import { Observable } from "./observable.js";

const STORE = "tcpcomm-monitor";

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {}; // storage is forbidden or damaged: the page then begins with its defaults
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(STORE, JSON.stringify({ ...remembered(), [name]: value }));
  } catch {
    // storage is forbidden: the choice then lasts until the page is closed
  }
}

function setting(name, first) {
  const observable = new Observable(remembered()[name] ?? first);
  observable.watch((value) => remember(name, value));
  return observable;
}

export const LANGUAGES = ["en", "ko"];
export const THEMES = ["system", "light", "dark"];

const preferred = (navigator.languages ?? [navigator.language]).map((each) => each.slice(0, 2));

export const language = setting("language", preferred.find((each) => LANGUAGES.includes(each)) ?? "en");
export const theme = setting("theme", "system");
export const quickSends = setting("quickSends", []);

// Apply the theme to the document, now and at each change. The style sheet does the rest.
export function applyTheme() {
  const apply = () => (document.documentElement.dataset.theme = theme.value);
  theme.watch(apply);
  apply();
}

// Choose the theme after this one.
export function nextTheme() {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length];
}
