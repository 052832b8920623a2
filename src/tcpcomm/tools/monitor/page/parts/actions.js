// What can be done with the chosen source: its commands, its events, and plain bytes.

import { html, useEffect, useState } from "../dom.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";
import { Bytes } from "./bytes.js";
import { Declared } from "./declared.js";
import { Token } from "./token.js";

const TABS = ["command", "event", "send"];
const LISTS = { command: "commands", event: "events" }; // in a description

export function Actions() {
  useValue(store.overview);
  const source = store.sourceById(useValue(store.source));
  const hello = useValue(store.hello);
  if (source === null || hello === null) return null;
  return html`<${Tabs} key=${source.id} source=${source} hello=${hello} />`;
}

function Tabs({ source, hello }) {
  const tabs = TABS.filter((each) => source.can.includes(each));
  const [picked, setPicked] = useState(null);
  const chosen = tabs.includes(picked) ? picked : tabs[0];
  const description = useDescription(source.declaration);
  if (tabs.length === 0) return null;
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = tabs[tabs.indexOf(chosen) + step];
    if (next === undefined) return;
    setPicked(next);
    document.getElementById(`tab-${next}`).focus();
  };
  return html`
    <section class="actions" id="actions" aria-labelledby="actions-title">
      <h2 id="actions-title">
        <span>${t("actions")}</span>
        <span role="tablist" aria-label=${t("actions")} onKeyDown=${move}>
          ${tabs.map(
            (each) => html`
              <button
                key=${each}
                role="tab"
                class="quiet"
                id=${`tab-${each}`}
                aria-selected=${String(each === chosen)}
                tabindex=${each === chosen ? 0 : -1}
                aria-controls="action"
                onClick=${() => setPicked(each)}
              >${t(`tab.${each}`)}</button>
            `,
          )}
        </span>
      </h2>
      <div class="content" id="action" role="tabpanel" aria-labelledby=${`tab-${chosen}`}>
        ${!hello.writes && html`<p class="why warn">${hello.why_not}</p>`}
        ${!hello.writes && !hello.read_only && html`<${Token} />`}
        ${description?.error && html`<p class="why bad" role="alert">${description.error}</p>`}
        ${chosen === "send" && html`<${Bytes} source=${source} writes=${hello.writes} />`}
        ${chosen in LISTS && description && html`
          <${Declared}
            key=${chosen}
            kind=${chosen}
            list=${description[LISTS[chosen]] ?? []}
            source=${source}
            writes=${hello.writes}
          />
        `}
      </div>
    </section>
  `;
}

function useDescription(declaration) {
  const [description, setDescription] = useState(null);
  useEffect(() => {
    store.describe(declaration).then(setDescription, (error) => setDescription({ error: store.wordsOf(error) }));
  }, [declaration]);
  return description;
}
