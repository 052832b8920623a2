// A field for the token that the monitor printed, for a page that was opened without it.

import { useToken } from "../api.js";
import { html, useRef } from "../dom.js";
import { t } from "../i18n.js";
import * as store from "../store.js";

export function Token() {
  const field = useRef(null);
  const enter = (event) => {
    event.preventDefault();
    useToken(field.current.value);
    store.retry();
  };
  return html`
    <form class="line token" onSubmit=${enter}>
      <label>${t("token")} <input ref=${field} autocomplete="off" spellcheck=${false} /></label>
      <button>${t("token.enter")}</button>
    </form>
  `;
}
