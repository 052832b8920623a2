// Every link, server and tap, with its state in colour and words, and the sessions of the chosen one.

import { ApiError, post } from "../api.js";
import { classes, html, useState } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import * as store from "../store.js";
import { Sparkline } from "./sparkline.js";

const CLOSED_SHOWN = 3; // sessions that ended, below those that live

export function Sources() {
  const overview = useValue(store.overview);
  const chosen = useValue(store.source);
  const sources = store.sortedSources();
  const good = sources.filter((each) => levelOf(each) === "good").length;
  return html`
    <section class="sources" aria-labelledby="sources-title">
      <h2 id="sources-title">
        ${t("sources")} <span>${t("sources.good", { good, all: sources.length })}</span>
      </h2>
      ${overview && sources.length === 0 && html`<p class="empty">${t("sources.none")}</p>`}
      <ul>
        ${sources.map((each) => html`<${Source} key=${each.id} source=${each} chosen=${each.id === chosen} />`)}
      </ul>
    </section>
  `;
}

// "good", "warn", "bad" or "off": the colour of a state.
export function levelOf({ kind, state, error, since }) {
  if (state === "ready") return "good";
  if (kind !== "link") return state === "listening" ? "good" : "off";
  const isOutage = error !== null && error !== undefined && error.time >= since - 1;
  return state === "down" || (state === "connecting" && isOutage) ? "bad" : "warn";
}

function Source({ source, chosen }) {
  const level = levelOf(source);
  return html`
    <li class=${classes("source", { chosen })}>
      <button aria-current=${chosen ? "true" : undefined} onClick=${() => store.chooseSource(source.id)}>
        <i class=${`dot ${level}`} />
        <b>${bare(source.name)}</b>
        <span class="state">${stateWords(source)}</span>
        <small>${placeOf(source)}</small>
        <small class="figures">${figures(source)}</small>
        <${Trouble} source=${source} level=${level} />
        <${History} source=${source} />
      </button>
      ${chosen && html`<${Chosen} source=${source} />`}
    </li>
  `;
}

function placeOf({ name, declaration, address }) {
  const shown = declaration === name ? [address] : [declaration, address];
  return shown.filter(Boolean).map(bare).join(" · ");
}

// "tcp:10.0.0.5:8500" without the word that nearly all addresses have; a port alone keeps its colon.
function bare(address) {
  return address.replace(/\btcp:(?=\d+\b(?![.:]))/g, ":").replace(/\btcp:(?=\S)/g, "");
}

function stateWords({ kind, state, since, sessions }) {
  if (kind !== "link" && sessions > 0) {
    return t(sessions === 1 ? "oneSession" : "manySessions", { count: sessions });
  }
  const words = t(`state.${state}`);
  return state === "down" || state === "connecting"
    ? `${words}, ${format.age(Math.max(store.serverNow() - since, 0))}`
    : words;
}

function Trouble({ source, level }) {
  const { state, reason, error, faults } = source;
  const why = level === "bad" ? (error?.text ?? reason) : level === "warn" ? reason : "";
  const rest = level === "bad" && reason && reason !== why ? reason : "";
  return html`
    ${why && html`<span class=${`why ${level}`}>${why}</span>`}
    ${rest && html`<small>${rest}</small>`}
    ${level === "good" && error && html`<small class="last" title=${error.text}>${lastError(error)}</small>`}
    ${faults > 0 && html`<span class="why bad">${faultCount(faults)}</span>`}
  `;
}

function faultCount(faults) {
  return t(faults === 1 ? "oneFault" : "manyFaults", { count: format.count(faults) });
}

function lastError({ text, time }) {
  return t("lastError", { text, time: format.clock(time).slice(0, 8) });
}

function figures({ rate, p50, p99, reconnects }) {
  const found = [t("framesPerSecond", { rate: format.rate(rate) })];
  if (p50 !== null) found.push(t("roundTrip", { p50: format.took(p50), p99: format.took(p99) }));
  if (reconnects > 0) found.push(t("reconnects", { count: format.count(reconnects) }));
  return found.join(" · ");
}

function History({ source: { history, p50, p99 } }) {
  if (!history) return null;
  if (history.p50.some((each) => each !== null)) {
    const label = t("sparkline.roundTrip", { p50: format.took(p50), p99: format.took(p99) });
    return html`<${Sparkline}
      label=${label}
      lines=${[
        { points: history.p99, kind: "p99" },
        { points: history.p50, kind: "p50" },
      ]}
    />`;
  }
  return html`<${Sparkline} label=${t("sparkline.rate")} lines=${[{ points: history.rate, kind: "rate" }]} />`;
}

function Chosen({ source }) {
  const sessions = store.sessionsOf(source.id);
  const living = sessions.filter(({ state }) => state !== "closed");
  // A link has one session, and its rows tell how those before it ended.
  const isShown = source.kind !== "link" || living.length > 1;
  const closed = isShown ? sessions.filter(({ state }) => state === "closed").slice(-CLOSED_SHOWN) : [];
  const writes = store.hello.value?.writes;
  const more = isShown ? source.sessions - living.length : 0;
  return html`
    <div class="sessions">
      ${isShown && living.length + closed.length > 0 && html`
        <ul aria-label=${t("sessions")}>
          ${[...living, ...closed].map(
            (each) => html`<${Session} key=${each.id} session=${each} source=${source} />`,
          )}
        </ul>
      `}
      ${more > 0 && html`<small>${t("sessions.more", { count: format.count(more) })}</small>`}
      ${writes && html`<${Repairs} source=${source} isShown=${isShown} />`}
    </div>
  `;
}

function Session({ session, source }) {
  const shownOnly = useValue(store.session) === session.id;
  const isClosed = session.state === "closed";
  const kicks = !isClosed && source.can.includes("close") && store.hello.value?.writes;
  return html`
    <li class=${classes("session", { closed: isClosed })}>
      <button
        aria-pressed=${String(shownOnly)}
        title=${t("session.only")}
        onClick=${() => store.chooseSource(source.id, shownOnly ? null : session.id)}
      >
        <span>${session.peer}${session.identity && ` (${session.identity})`}</span>
        <small>${sessionWords(session, isClosed)}</small>
      </button>
      ${kicks && html`
        <${Kick} session=${session.id} label=${t("kick")} title=${t("kick.title", { peer: session.peer })} />
      `}
    </li>
  `;
}

function sessionWords({ state, reason, rate, p50 }, isClosed) {
  if (isClosed) return `${t("state.closed")}: ${reason}`;
  const found = [t(`state.${state}`), t("framesPerSecond", { rate: format.rate(rate) })];
  if (p50 !== null && p50 !== undefined) found.push(`p50 ${format.took(p50)}`);
  return found.join(" · ");
}

function Repairs({ source, isShown }) {
  const isDown = source.kind === "link" && source.state !== "ready";
  return html`
    ${isDown && source.can.includes("retry") && html`<${Retry} source=${source.id} />`}
    ${!isShown && source.session !== null && source.can.includes("close") &&
    html`<${Kick} session=${source.session} label=${t("kick.link")} title=${t("kick.link.title")} />`}
  `;
}

function Kick({ session, label, title }) {
  return html`<${Request} label=${label} title=${title} send=${() => post("close", { session })} />`;
}

function Retry({ source }) {
  return html`<${Request} label=${t("retry")} title=${t("retry.title")} send=${() => post("retry", { source })} />`;
}

// A button that sends one request, and shows why that was refused.
function Request({ label, title, send }) {
  const [error, setError] = useState("");
  const press = async () => {
    try {
      await send();
      setError("");
    } catch (refusal) {
      if (!(refusal instanceof ApiError)) throw refusal;
      setError(refusal.message);
    }
  };
  return html`
    <button class="small" title=${title} onClick=${press}>${label}</button>
    ${error && html`<span class="why bad" role="alert">${error}</span>`}
  `;
}
