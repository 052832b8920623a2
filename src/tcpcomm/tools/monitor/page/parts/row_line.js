// One line of the table.

import { Component, classes, html } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { textOf } from "../text.js";
import * as store from "../store.js";

const IN_A_LINE = 40; // bytes of a frame that a line of the table can show

export class RowLine extends Component {
  // A row changes only by what its neighbours tell it; the language and the words to mark are given anew.
  shouldComponentUpdate(next) {
    return Object.keys(next).some((name) => next[name] !== this.props[name] && name !== "words") ||
      next.words.join() !== this.props.words.join() ||
      this.language !== document.documentElement.lang;
  }

  render({ row, index, words, encoding, several, chosen, paired }) {
    this.language = document.documentElement.lang;
    const bytes = format.bytesOf(row.hex.slice(0, 2 * IN_A_LINE));
    const text = textOf(bytes, encoding);
    const more = row.bytes > bytes.length ? " …" : "";
    return html`
      <div
        id=${`row-${row.number}`}
        role="row"
        aria-rowindex=${index}
        aria-selected=${String(chosen)}
        class=${classes(`row ${row.kind}`, {
          chosen,
          paired,
          wrong: row.bad && row.kind !== "fault",
          cut: row.cut,
          glued: row.glued,
          bare: row.hex === "",
          untimed: row.hex !== "" && tookOf(row) === "",
        })}
        onClick=${() => store.chooseRow(row)}
      >
        ${several && html`<span role="gridcell" class="owner">${row.session ?? ""}</span>`}
        <span role="gridcell" class="time">${format.clock(row.time)}</span>
        <span role="gridcell" class="gap">${format.gap(row.gap)}</span>
        <${Direction} row=${row} />
        <span role="gridcell" class="what">
          <${What} row=${row} words=${words} text=${text} /><${Tags} row=${row} />
        </span>
        ${row.hex !== "" && html`
          ${tookOf(row) !== "" && html`<span role="gridcell" class="took">${tookOf(row)}</span>`}
          <span role="gridcell" class="hex">${hexOf(bytes)}${more}</span>
          <span role="gridcell" class="text"><${Marked} text=${text} words=${words} />${more}</span>
        `}
      </div>
    `;
  }
}

// The time of an answer, and an arrow down to it at the command that waited for it.
function tookOf(row) {
  return format.took(row.took) || (row.reply ? `↓ ${format.took(row.reply.took)}` : "");
}

function hexOf(bytes) {
  return Array.from(bytes, format.twoDigits).join(" ");
}

function Direction({ row }) {
  if (row.direction === "") return html`<span role="gridcell" class="direction" />`;
  const words = t(row.toEquipment ? "toEquipment" : "fromEquipment");
  const side = row.toEquipment ? "to-equipment" : "from-equipment";
  return html`
    <span role="gridcell" class=${`direction ${side}`} title=${words} aria-label=${words}>
      ${row.toEquipment ? "→" : "←"}
    </span>
  `;
}

// The message in words: decoded where it is declared, else its text; and the reason where something is wrong.
function What({ row, words, text }) {
  if (row.kind === "dropped") return t("row.dropped", { count: format.count(row.values.count) });
  const signature = row.signature() || (row.text === "" ? text : "");
  const reason = row.text && html`<span class="reason"><${Marked} text=${row.text} words=${words} /></span>`;
  if (!signature) return reason;
  const isCall = row.name !== "" && signature.startsWith(`${row.name}(`);
  return html`
    <span class="decoded">
      ${isCall && html`<b><${Marked} text=${row.name} words=${words} /></b>`}
      <${Marked} text=${isCall ? signature.slice(row.name.length) : signature} words=${words} />
    </span>
    ${reason}
  `;
}

const UNTAGGED = new Set(["command", "state", "dropped"]);

function Tags({ row }) {
  return html`
    ${!UNTAGGED.has(row.kind) && html`<span class="tag">${t(`kind.${row.kind}`)}</span>`}
    ${row.chunks > 1 && html`<span class="tag warn">${t("tag.cut", { chunks: row.chunks })}</span>`}
    ${row.glued && html`<span class="tag warn">${t("tag.glued")}</span>`}
  `;
}

// The kind in words; a reply names its command, which may stand far above.
export function kindWords(row) {
  const isAnswer = row.kind === "reply" || row.kind === "fault";
  return isAnswer && row.name ? t(`kind.${row.kind}.to`, { name: row.name }) : t(`kind.${row.kind}`);
}

function Marked({ text, words }) {
  if (words.length === 0) return text;
  const escaped = words.map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(${escaped.join("|")})`, "gi");
  return text.split(pattern).map((piece, at) => (at % 2 ? html`<mark>${piece}</mark>` : piece));
}
