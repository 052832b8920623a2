// All of the chosen row: its reason, bytes, values, times, its request or answer, and how to repeat it.

import { ApiError, get } from "../api.js";
import { classes, html, useEffect, useRef, useState, watchSize } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import { isRecord, shown } from "../row.js";
import * as store from "../store.js";
import { CopyAs } from "./copy_as.js";
import { kindWords } from "./row_line.js";

// On a phone this pane stands below the table, out of sight.
const STACKED = matchMedia("(max-width: 680px)");

const DUMPED = 4096; // bytes that the dump shows; more would make the page slow

const SIXTEEN = 504; // pixels that 16 bytes a line need

export function Detail() {
  const row = useValue(store.row);
  const box = useRef(null);
  useEffect(() => {
    if (row !== null && STACKED.matches) box.current.scrollIntoView({ block: "start" });
  }, [row]);
  const close = () => (store.detailIsOpen.value = false);
  return html`
    <section class="detail" ref=${box} aria-labelledby="detail-title">
      <h2 id="detail-title">
        <span>${t("detail")} ${row && html`<span class="dim">· ${titleOf(row)}</span>`}</span>
        <button class="fold quiet" aria-label=${t("close")} onClick=${close}>✕</button>
      </h2>
      ${row === null && html`<p class="empty">${t("detail.none")}</p>`}
      ${row !== null && html`<${Content} key=${row.number} row=${row} />`}
    </section>
  `;
}

function titleOf(row) {
  const request = row.request?.signature();
  return request ? t("detail.answers", { kind: t(`kind.${row.kind}`), request }) : kindWords(row);
}

function Content({ row }) {
  const whole = useWhole(row);
  const bytes = format.bytesOf((whole?.hex ?? row.hex).replaceAll(" ", ""));
  const wire = whole?.wire ? format.bytesOf(whole.wire.replaceAll(" ", "")) : null;
  const fields = useFields(row);
  return html`
    <div class="content">
      ${row.text && html`<p class=${classes("reason", { bad: row.bad })}>${row.text}</p>`}
      ${row.checksum && html`<${Checksum} checksum=${row.checksum} />`}
      ${bytes.length > 0 && html`<${Dump} bytes=${wire ?? bytes} frame=${wire && frameIn(wire, bytes)} />`}
      <${Values} row=${row} fields=${fields} />
      <${Facts} row=${row} whole=${bytes.length >= row.bytes} />
      <${Pair} row=${row} />
      ${bytes.length > 0 && html`<${CopyAs} parameters=${{ row: row.number }} />`}
    </div>
  `;
}

// The row with all its bytes, once the server told them. If it has forgotten the row, what is here stays.
function useWhole(row) {
  const [whole, setWhole] = useState(null);
  useEffect(() => {
    let isWanted = row.hex !== "";
    if (!isWanted) return undefined;
    get("row", { id: row.number }).then(
      (answer) => isWanted && setWhole(answer),
      (error) => {
        if (!(error instanceof ApiError)) throw error;
      },
    );
    return () => (isWanted = false);
  }, [row]);
  return whole;
}

// The fields of the declaration that this row has, by their names, with units.
function useFields(row) {
  const [fields, setFields] = useState({});
  useEffect(() => {
    const declaration = store.sourceById(store.source.value)?.declaration;
    store.describe(declaration).then(
      (description) => setFields(fieldsOf(description, row)),
      (error) => {
        if (!(error instanceof ApiError)) throw error;
      },
    );
  }, [row]);
  return fields;
}

function fieldsOf(description, row) {
  if (description === null) return {};
  const declared = [...description.commands, ...description.events].find(({ name }) => name === row.name);
  const fields = row.kind === "reply" ? declared?.result_fields : declared?.parameters;
  return Object.fromEntries((fields ?? []).map((each) => [each.name, each]));
}

// The place of a frame in the bytes that carried it: what is outside is a header, a terminator or a checksum.
function frameIn(wire, frame) {
  const last = wire.length - frame.length;
  for (let begin = 0; begin <= last; begin += 1) {
    if (frame.every((byte, at) => wire[begin + at] === byte)) return { begin, end: begin + frame.length };
  }
  return null;
}

// All bytes, 16 a line where there is room. With `frame`, what the framing added is marked.
function Dump({ bytes, frame }) {
  const box = useRef(null);
  const place = frame ?? { begin: 0, end: bytes.length };
  const [width, setWidth] = useState(16);
  useEffect(() => watchSize(box.current, ({ clientWidth }) => setWidth(clientWidth >= SIXTEEN ? 16 : 8)), []);
  return html`
    <pre class="dump" ref=${box} role="group" aria-label=${t("detail.bytes")} tabindex="0">
      ${format.dump(bytes.slice(0, DUMPED), width).map(
        (line, index) => html`<${DumpLine} line=${line} at=${index * width} width=${width} frame=${place} />`,
      )}
    </pre>
    ${bytes.length > DUMPED && html`
      <p class="legend dim">${t("detail.more", { count: format.count(bytes.length - DUMPED) })}</p>
    `}
    ${place.end - place.begin < bytes.length && html`
      <p class="legend dim"><mark>00</mark> ${t("detail.framing")}</p>
    `}
  `;
}

function DumpLine({ line, at, width, frame }) {
  const marked = (text, index) => {
    const isAdded = at + index < frame.begin || at + index >= frame.end;
    return isAdded ? html`<mark>${text}</mark>` : text;
  };
  const hex = Array.from(line.bytes, (byte, index) => [index ? " " : "", marked(format.twoDigits(byte), index)]);
  const text = Array.from(format.ascii(line.bytes), marked);
  const space = " ".repeat(3 * (width - line.bytes.length));
  return html`<span class="dim">${line.offset}</span>${"  "}${hex}${space}${"  "}${text}${"\n"}`;
}

function Values({ row, fields }) {
  if (row.values === null) return null;
  const { result } = row.values;
  const values = row.kind === "reply" && isRecord(result) ? result : row.values;
  return html`
    <dl>
      ${Object.entries(values).map(
        ([name, value]) => html`
          <dt>${name}</dt>
          <dd class="value">${shown(value)} <span class="dim">${fields[name]?.unit}</span></dd>
        `,
      )}
    </dl>
  `;
}

function Checksum({ checksum: { name, came, expected, counted } }) {
  return html`
    <dl>
      <dt>${t("checksum.came")}</dt>
      <dd class="value bad">${came}</dd>
      <dt>${t(counted.key, { name, ...counted })}</dt>
      <dd class="value">${expected}</dd>
    </dl>
  `;
}

function Facts({ row, whole }) {
  const source = store.sourceById(store.source.value);
  const session = store.overview.value?.sessions.find(({ id }) => id === row.session);
  const usual = source?.p50 ? ` (p50 ${format.took(source.p50)})` : "";
  const facts = [
    ["fact.time", format.clock(row.time)],
    ["fact.gap", row.gap === null ? null : `${format.count(row.gap * 1e6)} µs`],
    ["fact.direction", row.direction === "" ? null : t(row.toEquipment ? "toEquipment" : "fromEquipment")],
    ["fact.took", row.took === null ? null : format.took(row.took) + usual],
    ["fact.bytes", row.bytes === 0 ? null : format.count(row.bytes) + (whole ? "" : ` ${t("fact.bytes.cut")}`)],
    ["fact.chunks", row.chunks > 1 ? t("tag.cut", { chunks: row.chunks }) : row.glued ? t("tag.glued") : null],
    ["fact.session", session ? `${session.peer} (${row.session})` : row.session],
  ];
  return html`
    <dl class="facts">
      ${facts.map(([name, value]) => value !== null && html`<dt>${t(name)}</dt><dd>${value}</dd>`)}
    </dl>
  `;
}

function Pair({ row }) {
  useValue(store.tick); // the answer of a command may still come
  const other = row.request ?? row.reply;
  if (other === null) return row.kind === "command" ? html`<p class="dim">${t("detail.unanswered")}</p>` : null;
  const words = other === row.request ? "detail.request" : "detail.reply";
  return html`
    <div class="pair">
      <button onClick=${() => store.chooseRow(other)}>${t(words)}</button>
      <code>${other.signature()} ${format.took(other.took)}</code>
    </div>
  `;
}
