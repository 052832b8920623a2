// The top line: where we are, the views, the rate of all frames, the language, light or dark.

import { html } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import { LANGUAGES, language, nextTheme, theme } from "../settings.js";
import * as store from "../store.js";

const VIEWS = ["links", "plot", "recordings"];
const NAMES = { en: "EN", ko: "한국어" };

export function Header() {
  const hello = useValue(store.hello);
  const overview = useValue(store.overview);
  const view = useValue(store.view);
  const views = VIEWS.filter((each) => each !== "recordings" || hello?.recordings);
  return html`
    <header>
      <h1>tcpcomm</h1>
      ${hello && html`<span class="place" title=${hello.name}>${hello.name}</span>`}
      <nav aria-label=${t("views")}>
        ${views.map(
          (each) => html`
            <button
              key=${each}
              class="view"
              aria-current=${each === view ? "page" : undefined}
              onClick=${() => (store.view.value = each)}
            >${t(`view.${each}`)}</button>
          `,
        )}
      </nav>
      <span class="end">
        ${overview && html`
          <span class="total">${t("framesPerSecond", { rate: format.rate(overview.rate) })}</span>
        `}
        <${Line} />
        ${hello && html`<${Access} hello=${hello} />`}
        <${Language} />
        <${Theme} />
        <button
          class="quiet"
          aria-label=${t("help.open")}
          title=${t("help.open")}
          onClick=${() => (store.helpIsOpen.value = true)}
        >?</button>
      </span>
    </header>
  `;
}

function Line() {
  const { state } = useValue(store.line);
  return html`<span class=${`line ${state}`}><i class="dot" />${t(`line.${state}`)}</span>`;
}

function Access({ hello }) {
  const words = hello.writes ? "access.write" : "access.read";
  return html`<span class="access" title=${hello.why_not}>${t(words)}</span>`;
}

function Language() {
  const chosen = useValue(language);
  return html`
    <span role="group" aria-label=${t("language")} class="languages">
      ${LANGUAGES.map(
        (each) => html`
          <button
            key=${each}
            class="quiet"
            lang=${each}
            aria-pressed=${String(each === chosen)}
            onClick=${() => (language.value = each)}
          >${NAMES[each]}</button>
        `,
      )}
    </span>
  `;
}

const SIGNS = { system: "◐", light: "☀", dark: "☾" };

function Theme() {
  const chosen = useValue(theme);
  const words = t(`theme.${chosen}`);
  return html`
    <button class="quiet" title=${words} aria-label=${words} onClick=${nextTheme}>${SIGNS[chosen]}</button>
  `;
}
