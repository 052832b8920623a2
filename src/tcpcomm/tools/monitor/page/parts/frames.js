// The frames of the chosen source: the filter, freeze, download, and the table.

import { html } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";
import { Download } from "./download.js";
import { Table } from "./table.js";

export function Frames() {
  useValue(store.overview);
  const source = store.sourceById(useValue(store.source));
  return html`
    <section class="frames" aria-labelledby="frames-title">
      <h2 id="frames-title">
        <span class="name">${source?.name ?? t("frames")}</span>
        <span class="tools">
          <${Freeze} />
          <button class="quiet" title=${t("clear.title")} onClick=${store.clearRows}>${t("clear")}</button>
          ${source && html`<${Download} source=${source} />`}
          <button
            class="fold"
            aria-controls="right"
            aria-expanded=${String(useValue(store.detailIsOpen))}
            onClick=${() => (store.detailIsOpen.value = !store.detailIsOpen.value)}
          >${t("details")}</button>
        </span>
      </h2>
      <${Filter} />
      <${Table} declaration=${source?.declaration ?? null} />
    </section>
  `;
}

function Freeze() {
  useValue(store.tick);
  const frozen = useValue(store.frozen);
  const behind = frozen === null ? 0 : (store.log.all.at(-1)?.number ?? 0) - (frozen.all.at(-1)?.number ?? 0);
  const words = frozen === null ? t("freeze") : t("frozen", { count: format.count(behind) });
  return html`
    <button
      class="quiet freeze"
      aria-pressed=${String(frozen !== null)}
      title=${t("freeze.title")}
      onClick=${store.toggleFreeze}
    >${words}</button>
  `;
}

function Filter() {
  const text = useValue(store.filterText);
  const groups = useValue(store.groups);
  const onlyFaults = useValue(store.onlyFaults);
  return html`
    <div class="filter" role="search">
      <input
        id="filter"
        type="search"
        aria-label=${t("filter")}
        placeholder=${t("filter.example")}
        autocomplete="off"
        spellcheck=${false}
        value=${text}
        onInput=${(event) => (store.filterText.value = event.target.value)}
      />
      <span role="group" aria-label=${t("filter.kinds")} class="chips">
        <button class="chip faults" aria-pressed=${String(onlyFaults)} title=${t("onlyFaults.title")}
          onClick=${() => (store.onlyFaults.value = !onlyFaults)}>${t("onlyFaults")}</button>
        ${Object.entries(groups).map(
          ([name, isOn]) => html`
            <button
              key=${name}
              class="chip"
              disabled=${onlyFaults}
              aria-pressed=${String(isOn)}
              onClick=${() => (store.groups.value = { ...groups, [name]: !isOn })}
            >${t(`group.${name}`)}</button>
          `,
        )}
      </span>
    </div>
  `;
}
