// "What is this?": the framing of a tap or of a link that is not declared, guessed by the server while it is open.

import { ApiError, get } from "../api.js";
import { html, useEffect, useState } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";
import { toClipboard } from "./copy_as.js";

const ASK_EACH = 1000; // milliseconds; the server makes a new guess when ten more messages have come

export function Guess() {
  useValue(store.overview);
  const source = store.sourceById(useValue(store.source));
  if (!source?.unknown) return null;
  return html`<${Question} key=${source.id} source=${source} />`;
}

function Question({ source }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <section class="guess" aria-labelledby="guess-title">
      <h2 id="guess-title">
        <span>${t("guess")}</span>
        <button class="quiet" aria-expanded=${String(isOpen)} aria-controls="guess" onClick=${() => setOpen(!isOpen)}>
          ${t(isOpen ? "guess.end" : "guess.begin")}
        </button>
      </h2>
      ${isOpen && html`<div class="content" id="guess"><${Answer} source=${source} /></div>`}
    </section>
  `;
}

function Answer({ source }) {
  const answer = useAnswer(source.id);
  if (answer === null) return html`<p role="status" class="dim">${t("guess.guessing")}</p>`;
  if (answer.error) return html`<p class="why bad" role="alert">${answer.error}</p>`;
  if (answer.state !== "known") {
    return html`<p role="status" class=${answer.state === "secret" ? "why warn" : "dim"}>${t(`guess.${answer.state}`)}</p>`;
  }
  const { guess, chunks, command } = answer;
  return html`
    <p class="verdict">
      <b class=${guess.verdict}>${t(`verdict.${guess.verdict}`)}</b>
      <span class="dim" role="status">${t("guess.chunks", { count: format.count(chunks) })}</span>
    </p>
    ${guess.framings.map((each) => html`<code key=${each}>${each}</code>`)}
    <${Sentences} words="guess.evidence" list=${guess.evidence} />
    <${Sentences} words="guess.doubts" list=${[...guess.doubts, ...guess.notes]} />
    <${Sentences} words="guess.unexplained" list=${guess.unexplained} />
    <${Sentences} words="guess.facts" list=${guess.facts} />
    <${Sentences} words="guess.others" list=${guess.others.map(otherWords)} />
    ${command && html`<${Command} text=${command} />`}
  `;
}

// Ask again and again, until the pane is closed. What the server told last stays while it does not answer.
function useAnswer(source) {
  const [answer, setAnswer] = useState(null);
  useEffect(() => {
    let timer = 0;
    let isWanted = true;
    const ask = async () => {
      try {
        const told = await get("guess", { source });
        if (isWanted) setAnswer(told);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (isWanted) setAnswer({ error: error.message });
      }
      if (isWanted) timer = setTimeout(ask, ASK_EACH);
    };
    ask();
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [source]);
  return answer;
}

function otherWords({ framings, behind }) {
  return t("guess.other", { framing: framings.join(" / "), bits: format.count(behind) });
}

function Sentences({ words, list }) {
  if (list.length === 0) return null;
  return html`
    <h3>${t(words)}</h3>
    <ul>${list.map((each) => html`<li key=${each}>${each}</li>`)}</ul>
  `;
}

function Command({ text }) {
  const [done, setDone] = useState(null);
  const copy = async () => setDone(await toClipboard(text));
  return html`
    <div class="copy">
      <button type="button" onClick=${copy}>${t("guess.copy")}</button>
      <span role="status">${done !== null && t(done ? "copied" : "copyByHand")}</span>
      <pre tabindex="0" aria-label=${t("guess.copy")}>${text}</pre>
    </div>
  `;
}
