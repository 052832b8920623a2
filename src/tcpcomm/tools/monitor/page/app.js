// The beginning of the page.

import { html, render } from "./dom.js";
import { applyLanguage } from "./i18n.js";
import { Page } from "./parts/page.js";
import { applyTheme } from "./settings.js";
import { applyShortcuts } from "./shortcuts.js";
import { begin } from "./store.js";

applyTheme();
applyLanguage();
applyShortcuts();
begin();
render(html`<${Page} />`, document.getElementById("page"));
