// The disturbances of the chosen tap: buttons for what it knows, and a line for the rest of its language.

import { ApiError, post } from "../api.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";

export function Disturb() {
  useValue(store.overview);
  const source = store.sourceById(useValue(store.source));
  if (!source?.can.includes("disturb") || !store.hello.value?.writes) return null;
  return html`<${Disturbances} key=${source.id} source=${source} />`;
}

function Disturbances({ source }) {
  const { active, known } = source.disturbances ?? { active: [], known: [] };
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState(null);
  const disturb = async (wanted) => {
    try {
      setAnswer({ text: (await post("disturb", { source: source.id, text: wanted })).text });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setAnswer({ text: error.message, bad: true });
    }
  };
  const enter = (event) => {
    event.preventDefault();
    if (text.trim()) disturb(text.trim());
  };
  return html`
    <section class="disturb" aria-labelledby="disturb-title">
      <h2 id="disturb-title">${t("disturb")}</h2>
      <div class="content">
        <div class="buttons">
          ${known.map(
            ({ text: each, help }) => html`
              <button key=${each} title=${help} onClick=${() => disturb(each)}>${each}</button>
            `,
          )}
        </div>
        <form class="line" onSubmit=${enter}>
          <input
            aria-label=${t("disturb.text")}
            placeholder=${t("disturb.text")}
            autocomplete="off"
            spellcheck=${false}
            value=${text}
            onInput=${(event) => setText(event.target.value)}
          />
          <button>${t("disturb.do")}</button>
        </form>
        ${active.length > 0 && html`<p class="why warn">${t("disturb.active", { list: active.join(", ") })}</p>`}
        <p role="status" class=${answer?.bad ? "why bad" : "dim"}>${answer?.text}</p>
      </div>
    </section>
  `;
}
