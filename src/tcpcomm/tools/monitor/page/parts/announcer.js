// Tells changes of state to screen readers, in a sentence each.

import { html, useEffect, useRef, useState } from "../dom.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";

export function Announcer() {
  const overview = useValue(store.overview);
  const states = useRef(null);
  const [news, setNews] = useState("");
  useEffect(() => {
    if (overview === null) return;
    const now = new Map(overview.sources.map((each) => [each.id, each.state]));
    const before = states.current;
    states.current = now;
    if (before === null) return;
    const changed = overview.sources.filter((each) => before.get(each.id) !== each.state);
    if (changed.length > 0) setNews(changed.map(sentence).join(" "));
  }, [overview]);
  return html`<div class="hidden-text" role="status" aria-live="polite">${news}</div>`;
}

function sentence({ name, state, reason }) {
  return t("news", { name, state: t(`state.${state}`), reason });
}
