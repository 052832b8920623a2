// What stands in the way of the whole page: a server that does not answer, a token that is wrong.

import { html, useEffect, useState } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";
import { Token } from "./token.js";

export function Banner() {
  const line = useValue(store.line);
  const [, redraw] = useState(0);
  useEffect(() => {
    if (line.state === "live") return undefined;
    const timer = setInterval(() => redraw((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [line.state]);

  if (line.state === "refused") return html`<${Refused} why=${line.why} />`;
  if (line.state !== "lost") return null;
  const seconds = (Date.now() - line.since) / 1000;
  return html`
    <div class="banner" role="status">
      <b>${t("lost.title")}</b>
      <span aria-hidden="true">${t("lost.since", { age: format.age(Math.round(seconds)) })}</span>
      <span>${line.why || t("lost.why")}</span>
      <button onClick=${store.retry}>${t("lost.retry")}</button>
    </div>
  `;
}

function Refused({ why }) {
  return html`
    <div class="banner">
      <span role="alert"><b>${t("refused.title")}</b> ${why}</span>
      <${Token} />
    </div>
  `;
}
