// Download what the server keeps, or the rows that the table shows.

import { url } from "../api.js";
import { html, useRef } from "../dom.js";
import { csvOf, jsonLinesOf } from "../export.js";
import { t } from "../i18n.js";
import * as store from "../store.js";

const NAMES = { pcapng: "pcapng (Wireshark)", csv: "CSV", jsonl: "JSON lines" };

export function Download({ source }) {
  const menu = useRef(null);
  const close = () => (menu.current.open = false);
  const formats = store.hello.value?.formats ?? [];
  const save = (make, type, extension) => {
    saveText(make(store.shownLog().shown, source.name), type, `${fileName(source.name)}.${extension}`);
    close();
  };
  return html`
    <details class="menu" ref=${menu} onToggle=${(event) => event.target.open && closeOutside(menu.current)}>
      <summary class="button">${t("download")}</summary>
      <div class="list">
        <p>${t("download.kept")}</p>
        ${formats.map(
          (format) => html`
            <a
              key=${format}
              class="button"
              download
              href=${url("download", { format, watch: source.id })}
              onClick=${close}
            >${NAMES[format] ?? format}</a>
          `,
        )}
        <p>${t("download.shown")}</p>
        <button onClick=${() => save(csvOf, "text/csv", "csv")}>${NAMES.csv}</button>
        <button onClick=${() => save(jsonLinesOf, "application/x-ndjson", "jsonl")}>${NAMES.jsonl}</button>
      </div>
    </details>
  `;
}

// A menu closes by Escape, and by a click beside it.
function closeOutside(menu) {
  const close = (event) => {
    if (event.type === "keydown" ? event.key !== "Escape" : menu.contains(event.target)) return;
    menu.open = false;
    document.removeEventListener("pointerdown", close);
    document.removeEventListener("keydown", close);
  };
  document.addEventListener("pointerdown", close);
  document.addEventListener("keydown", close);
}

function fileName(name) {
  return name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^-+|-+$/g, "") || "frames";
}

function saveText(text, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
