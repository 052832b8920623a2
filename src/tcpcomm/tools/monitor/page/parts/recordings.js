// The recordings of the running recorder.

import { ApiError, get, url } from "../api.js";
import { html, useEffect, useState } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";

const RELOAD = 3000; // ms, because a running recording grows

export function Recordings() {
  const [recordings, setRecordings] = useState(null);
  const [error, setError] = useState("");
  useEffect(() => {
    const load = () =>
      get("recordings").then(
        (answer) => {
          setRecordings(answer.recordings);
          setError("");
        },
        (refusal) => {
          if (!(refusal instanceof ApiError)) throw refusal;
          setError(refusal.message);
        },
      );
    load();
    const timer = setInterval(load, RELOAD);
    return () => clearInterval(timer);
  }, []);
  return html`
    <section class="recordings" aria-labelledby="recordings-title">
      <h2 id="recordings-title">${t("recordings.title")}</h2>
      ${error && html`<p class="why bad" role="alert">${error}</p>`}
      ${recordings?.length === 0 && html`<p class="empty">${t("recordings.none")}</p>`}
      ${recordings?.length > 0 && html`
        <table>
          <thead>
            <tr>
              <th scope="col">${t("recordings.name")}</th>
              <th scope="col">${t("recordings.size")}</th>
              <th scope="col">${t("recordings.changed")}</th>
              <th scope="col"><span class="hidden-text">${t("download")}</span></th>
            </tr>
          </thead>
          <tbody>
            ${recordings.map(
              ({ name, bytes, changed, running }) => html`
                <tr key=${name}>
                  <td>${name} ${running && html`<span class="tag good">${t("recordings.running")}</span>`}</td>
                  <td class="number">${format.size(bytes)}</td>
                  <td>${format.date(changed)}</td>
                  <td>
                    <a class="button" download href=${url(`recordings/${encodeURIComponent(name)}`)}>
                      ${t("download")}
                    </a>
                  </td>
                </tr>
              `,
            )}
          </tbody>
        </table>
        <p class="empty">${t("recordings.use")}</p>
      `}
    </section>
  `;
}
