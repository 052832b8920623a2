// The page: the header, the panes, and what lies above them.

import { classes, html } from "../dom.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import { language } from "../settings.js";
import * as store from "../store.js";
import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Detail } from "./detail.js";
import { Actions } from "./actions.js";
import { Disturb } from "./disturb.js";
import { Guess } from "./guess.js";
import { Frames } from "./frames.js";
import { Header } from "./header.js";
import { Help } from "./help.js";
import { Plot } from "./plot.js";
import { Recordings } from "./recordings.js";
import { Sources } from "./sources.js";

export function Page() {
  useValue(language); // all words change with it
  const view = useValue(store.view);
  return html`
    ${view === "links" && html`<a class="skip" href="#rows">${t("skip")}</a>`}
    <${Header} />
    <${Banner} />
    <main class=${`view-${view}`}>
      <div class="side"><${Sources} /></div>
      ${view === "links" && html`<${Links} />`}
      ${view === "plot" && html`<${Plot} />`}
      ${view === "recordings" && html`<${Recordings} />`}
    </main>
    <${Help} />
    <${Announcer} />
  `;
}

function Links() {
  const isOpen = useValue(store.detailIsOpen);
  return html`
    <${Frames} />
    <div class=${classes("right", { open: isOpen })} id="right">
      <${Detail} />
      <${Actions} />
      <${Disturb} />
      <${Guess} />
    </div>
  `;
}
