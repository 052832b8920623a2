// The help: the keys, the filter, and the meaning of the colours.

import { html, useEffect, useRef } from "../dom.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import { SHORTCUTS } from "../shortcuts.js";
import * as store from "../store.js";

const FILTERS = [
  ["locate", "help.filter.word"],
  ["fault", "help.filter.fault"],
  ["cut, glued", "help.filter.cut"],
  ["to · from", "help.filter.direction"],
  ["hex 54 52 47", "help.filter.hex"],
  ["x > 12.5", "help.filter.value"],
  ["-ping", "help.filter.not"],
];

export function Help() {
  const isOpen = useValue(store.helpIsOpen);
  const dialog = useRef(null);
  useEffect(() => {
    if (isOpen && !dialog.current.open) dialog.current.showModal();
    if (!isOpen && dialog.current.open) dialog.current.close();
  }, [isOpen]);
  return html`
    <dialog ref=${dialog} aria-labelledby="help-title" onClose=${() => (store.helpIsOpen.value = false)}>
      ${isOpen && html`<${Content} />`}
    </dialog>
  `;
}

function Content() {
  return html`
    <h2 id="help-title">${t("help.title")}
      <button onClick=${() => (store.helpIsOpen.value = false)}>${t("close")}</button>
    </h2>
    <div class="columns">
      <section>
        <h3>${t("help.keys")}</h3>
        <dl>
          ${SHORTCUTS.map(({ key, words }) => html`<dt><kbd>${key}</kbd></dt><dd>${t(words)}</dd>`)}
          <dt><kbd>↑</kbd> <kbd>↓</kbd> <kbd>PgUp</kbd> <kbd>PgDn</kbd></dt><dd>${t("keys.rows")}</dd>
          <dt><kbd>Home</kbd> <kbd>End</kbd></dt><dd>${t("keys.ends")}</dd>
        </dl>
      </section>
      <section>
        <h3>${t("help.filters")}</h3>
        <dl>
          ${FILTERS.map(([example, words]) => html`<dt><code>${example}</code></dt><dd>${t(words)}</dd>`)}
        </dl>
        <p>${t("help.filter.join")}</p>
        <h3>${t("help.signs")}</h3>
        <dl>
          <dt><span class="to-equipment">→</span></dt><dd>${t("toEquipment")}</dd>
          <dt><span class="from-equipment">←</span></dt><dd>${t("fromEquipment")}</dd>
          <dt><span class="tag warn">${t("tag.cut", { chunks: 2 })}</span></dt><dd>${t("help.cut")}</dd>
          <dt><span class="tag warn">${t("tag.glued")}</span></dt><dd>${t("help.glued")}</dd>
          <dt><span class="tag bad">${t("kind.error")}</span></dt><dd>${t("help.error")}</dd>
        </dl>
      </section>
    </div>
  `;
}
