// Quick sends: what was kept for the next time, in this browser. Bytes and the values of commands are kept alike.

import { html } from "../dom.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import { quickSends } from "../settings.js";

// Keep something to send. It is an object of plain values; `place` tells the form that it belongs to.
export function keep(place, sent) {
  quickSends.value = [...quickSends.value.filter((each) => !isSame(each, place, sent)), { place, sent }];
}

function isSame(kept, place, sent) {
  return kept.place === place && JSON.stringify(kept.sent) === JSON.stringify(sent);
}

export function Kept({ place, labelOf, disabled, send }) {
  const kept = useValue(quickSends).filter((each) => each.place === place);
  if (kept.length === 0) return null;
  const forget = (wanted) => (quickSends.value = quickSends.value.filter((each) => each !== wanted));
  return html`
    <ul class="kept" aria-label=${t("quick")}>
      ${kept.map((each) => {
        const label = labelOf(each.sent);
        return html`
          <li key=${label}>
            <button type="button" disabled=${disabled} title=${t("quick.send")} onClick=${() => send(each.sent)}>
              ${label}
            </button>
            <button
              type="button"
              class="quiet"
              aria-label=${t("quick.forget", { text: label })}
              onClick=${() => forget(each)}
            >✕</button>
          </li>
        `;
      })}
    </ul>
  `;
}
