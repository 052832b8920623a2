// Copy a row or a form as a shell command, as C#, or as Python.

import { ApiError, get } from "../api.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";

const FORMS = { shell: "shell", csharp: "C#", python: "Python" };

// `parameters` tell the server what to copy; a function of no arguments may return them.
export function CopyAs({ parameters }) {
  const [copied, setCopied] = useState(null);
  const copy = async (as) => {
    const wanted = typeof parameters === "function" ? parameters() : parameters;
    try {
      const { text } = await get("copy", { ...wanted, as });
      setCopied({ text, as, done: await toClipboard(text) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setCopied({ text: error.message, bad: true });
    }
  };
  return html`
    <div class="copy">
      <span class="dim">${t("copyAs")}</span>
      ${Object.entries(FORMS).map(
        ([as, name]) => html`<button key=${as} type="button" onClick=${() => copy(as)}>${name}</button>`,
      )}
      <span role="status">${copied && !copied.bad && t(copied.done ? "copied" : "copyByHand")}</span>
      ${copied && html`
        <pre class=${copied.bad ? "bad" : ""} tabindex="0" aria-label=${t("copyAs")}>${copied.text}</pre>
      `}
    </div>
  `;
}

// Return whether the browser took the text. It refuses where the page is not served by https or on loopback.
export async function toClipboard(text) {
  if (!navigator.clipboard) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}
