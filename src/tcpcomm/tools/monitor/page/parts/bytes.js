// Send bytes as they are typed, with or without the framing, and keep them for the next time.

import { ApiError, post } from "../api.js";
import { classes, html, useState } from "../dom.js";
import { NotBytes, hexOfHex, hexOfText } from "../escapes.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";
import { Kept, keep } from "./kept.js";

const READERS = { text: hexOfText, hex: hexOfHex };

export function Bytes({ source, writes }) {
  const [text, setText] = useState("");
  const [form, setForm] = useState("text");
  const [framed, setFramed] = useState(true);
  const [answer, setAnswer] = useState(null);
  const onlyShown = useValue(store.session);
  const living = store.livingSessionsOf(source.id);
  const [picked, setPicked] = useState(null);
  const isLiving = (wanted) => living.some(({ id }) => id === wanted);
  const session = [picked, onlyShown, source.session].find(isLiving) ?? living[0]?.id;

  const send = async (bytes) => {
    try {
      const hex = READERS[bytes.form](bytes.text);
      setAnswer(await post("send", { session, hex, framed: bytes.framed }));
    } catch (error) {
      setAnswer({ error: wordsOf(error) });
    }
  };
  const typed = { text, form, framed };
  const place = `bytes to ${source.declaration ?? source.name}`;
  const submit = (event) => {
    event.preventDefault();
    send(typed);
  };
  return html`
    <form class="bytes" onSubmit=${submit}>
      ${living.length > 1 && html`
        <label class="choose">
          <span>${t("bytes.session")}</span>
          <select value=${session} onChange=${(event) => setPicked(Number(event.target.value))}>
            ${living.map(({ id, peer }) => html`<option key=${id} value=${id}>${peer}</option>`)}
          </select>
        </label>
      `}
      <div class="line">
        <select aria-label=${t("bytes.form")} value=${form} onChange=${(event) => setForm(event.target.value)}>
          <option value="text">${t("bytes.text")}</option>
          <option value="hex">${t("bytes.hex")}</option>
        </select>
        <input
          class="grows"
          aria-label=${t("bytes")}
          placeholder=${form === "text" ? "TRG,3" : "54 52 47 2C 33"}
          autocomplete="off"
          spellcheck=${false}
          value=${text}
          onInput=${(event) => setText(event.target.value)}
        />
      </div>
      <label class="check">
        <input type="checkbox" checked=${framed} onChange=${(event) => setFramed(event.target.checked)} />
        ${t("bytes.framed")}
      </label>
      <div class="line">
        <button class="strong" disabled=${!writes || session === undefined || text === ""}>${t("send")}</button>
        <button type="button" disabled=${text === ""} onClick=${() => keep(place, typed)}>${t("quick.keep")}</button>
      </div>
      <${Kept} place=${place} labelOf=${labelOf} disabled=${!writes || session === undefined} send=${send} />
      <div role="status">${answer && html`<${Answer} answer=${answer} />`}</div>
    </form>
  `;
}

function wordsOf(error) {
  if (error instanceof NotBytes) return t(`bytes.wrong.${error.message}`);
  if (error instanceof ApiError) return error.message;
  throw error;
}

function labelOf({ form, text, framed }) {
  const bytes = form === "hex" ? format.spaced(text.replace(/\s/g, "")) : text;
  return framed ? bytes : `${bytes} (${t("quick.bare")})`;
}

function Answer({ answer }) {
  const { error, bytes, reply } = answer;
  return html`
    <div class=${classes("answer", { bad: error, good: !error })}>
      ${error ? html`<p>${error}</p>` : html`<p>${t("bytes.sent", { count: bytes })}</p>`}
      ${reply && html`<p><code>${reply}</code></p>`}
    </div>
  `;
}
