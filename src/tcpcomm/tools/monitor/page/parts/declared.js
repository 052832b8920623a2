// A form for each declared command or event, with types, units, ranges and the docstring, and the reply below.

import { ApiError, post } from "../api.js";
import { classes, html, useState } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { CopyAs } from "./copy_as.js";
import { Kept, keep } from "./kept.js";

export function Declared({ kind, list, source, writes }) {
  const [name, setName] = useState(list[0]?.name);
  const declared = list.find((each) => each.name === name);
  if (declared === undefined) return html`<p class="empty">${t(`declared.none.${kind}`)}</p>`;
  return html`
    <label class="choose">
      <span>${t(`declared.${kind}`)}</span>
      <select value=${name} onChange=${(event) => setName(event.target.value)}>
        ${list.map((each) => html`<option key=${each.name} value=${each.name}>${each.name}</option>`)}
      </select>
    </label>
    <${Form} key=${name} kind=${kind} declared=${declared} source=${source} writes=${writes} />
  `;
}

function Form({ kind, declared, source, writes }) {
  const [texts, setTexts] = useState(() => firstTexts(declared.parameters));
  const [answer, setAnswer] = useState(null);
  const [isBusy, setIsBusy] = useState(false);
  const values = () => given(declared.parameters, texts);
  const asked = { source: source.id, command: declared.name };
  const place = `${kind} ${declared.name} of ${source.declaration}`;
  const send = async (sent) => {
    setIsBusy(true);
    try {
      setAnswer(await post(kind, { source: source.id, name: declared.name, values: sent }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setAnswer({ outcome: "refused", error: error.message, field: error.field });
    } finally {
      setIsBusy(false);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    send(values());
  };
  const sendAgain = (sent) => {
    setTexts({ ...firstTexts(declared.parameters), ...sent });
    send(sent);
  };
  return html`
    <form class="declared" onSubmit=${submit}>
      ${declared.doc && html`<p class="doc">${declared.doc.replace(/\n\s*\n/g, "\n")}</p>`}
      ${declared.request && html`<p class="dim">${t("declared.wire")} <code>${declared.request}</code></p>`}
      ${declared.parameters.map(
        (each) => html`
          <${Parameter}
            key=${each.name}
            parameter=${each}
            text=${texts[each.name]}
            wrong=${answer?.field === each.name}
            onText=${(text) => setTexts({ ...texts, [each.name]: text })}
          />
        `,
      )}
      <div class="line">
        <button class="strong" disabled=${!writes || isBusy}>${t(kind === "command" ? "send" : "emit")}</button>
        ${declared.parameters.length > 0 && html`
          <button type="button" onClick=${() => keep(place, values())}>${t("quick.keep")}</button>
        `}
        ${kind === "command" &&
        html`<${CopyAs} parameters=${() => ({ ...asked, values: JSON.stringify(values()) })} />`}
      </div>
      <${Kept} place=${place} labelOf=${labelOf} disabled=${!writes || isBusy} send=${sendAgain} />
      <div role="status">
        ${isBusy && t("waiting")}
        ${!isBusy && answer && html`<${Answer} answer=${answer} fields=${declared.result_fields} />`}
      </div>
    </form>
  `;
}

function labelOf(values) {
  return Object.entries(values)
    .map(([name, text]) => `${name}=${text}`)
    .join(", ");
}

function firstTexts(parameters) {
  const first = ({ text, input }) => text ?? (input === "bool" ? "false" : "");
  return Object.fromEntries(parameters.map((each) => [each.name, first(each)]));
}

// The texts to send: a field that is left empty and may be, is left out.
function given(parameters, texts) {
  const kept = parameters.filter(({ name, optional }) => texts[name] !== "" || !optional);
  return Object.fromEntries(kept.map(({ name }) => [name, texts[name]]));
}

function Parameter({ parameter, text, wrong, onText }) {
  const { name, input, choices, type, unit } = parameter;
  const id = `parameter-${name}`;
  const common = {
    id,
    value: text,
    "aria-invalid": String(wrong),
    "aria-describedby": `${id}-about`,
    onInput: (event) => onText(event.target.value),
  };
  const options = input === "bool" ? ["true", "false"] : input === "choice" ? choices : null;
  return html`
    <div class=${classes("parameter", { wrong })}>
      <label for=${id}>${name}</label>
      ${options
        ? html`<select ...${common}>
            ${!options.includes(text) && html`<option value=${text}>${text}</option>`}
            ${options.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
          </select>`
        : html`<input
            ...${common}
            inputmode=${input === "int" || input === "float" ? "decimal" : undefined}
            autocomplete="off"
            spellcheck=${false}
          />`}
      <span class="about" id=${`${id}-about`}>${[type, unit].filter(Boolean).join(", ")}</span>
    </div>
  `;
}

function Answer({ answer, fields = [] }) {
  const { outcome, lines, result, error, took, sessions } = answer;
  const isBad = error !== undefined;
  const units = Object.fromEntries(fields.filter(({ unit }) => unit).map(({ name, unit }) => [name, unit]));
  const words = lines ?? (result === undefined ? [] : [JSON.stringify(result)]);
  return html`
    <div class=${classes("answer", { bad: isBad, good: !isBad })}>
      <div class="outcome">
        <b>${t(`outcome.${outcome}`, { sessions })}</b>
        ${took !== undefined && took !== null && html`<span class="dim">${format.took(took)}</span>`}
      </div>
      ${isBad ? html`<p>${error}</p>` : words.map((each) => html`<p>${each}${unitOf(each, units)}</p>`)}
    </div>
  `;
}

function unitOf(line, units) {
  const unit = units[line.split(":")[0]];
  return unit && html` <span class="dim">${unit}</span>`;
}
