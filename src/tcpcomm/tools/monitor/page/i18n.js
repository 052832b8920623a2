// The words of the page. `t("frames.none")` returns them in the chosen language.

import { language } from "./settings.js";
import { en } from "./words/en.js";
import { ko } from "./words/ko.js";

const words = { en, ko };

// Return the words for a key. `{name}` in them is replaced by values.name.
export function t(key, values = {}) {
  const text = words[language.value][key] ?? en[key];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// Tell the document its language, so that screen readers pronounce it and fonts fit, now and at each change.
export function applyLanguage() {
  const apply = () => (document.documentElement.lang = language.value);
  language.watch(apply);
  apply();
}
