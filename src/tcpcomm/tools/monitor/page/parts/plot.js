// Numeric fields over time: one chart for each, with a common cursor.

import { html, useEffect, useRef, useState, watchSize } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { useValue } from "../observable.js";
import { fieldsOf, isRoundTrip, seriesOf } from "../series.js";
import { theme } from "../settings.js";
import * as store from "../store.js";

const REDRAW = 250; // ms between two drawings
const HEIGHT = 150; // pixels of a chart

export function Plot() {
  const id = useValue(store.source);
  return html`<${Charts} key=${id} source=${store.sourceById(id)} />`;
}

function Charts({ source }) {
  const [chosen, setChosen] = useState(null);
  const [fields, setFields] = useState([]);
  const frozen = useValue(store.frozen);
  useEffect(() => {
    const look = () => setFields(fieldsOf(store.shownLog().all));
    look();
    const timer = setInterval(look, 2000);
    return () => clearInterval(timer);
  }, [frozen]);
  // The first fields are shown at once, so that the first look shows something.
  const shown = chosen ?? fields.slice(0, 2).map(({ key }) => key);
  const isShown = ({ key }) => shown.includes(key);
  const toggle = (field) => {
    setChosen(isShown(field) ? shown.filter((each) => each !== field.key) : [...shown, field.key]);
  };
  return html`
    <section class="plot" aria-labelledby="plot-title">
      <h2 id="plot-title">
        <span>${t("plot.title", { name: source?.name ?? "" })}</span>
        <span class="tools">
          <button class="quiet" aria-pressed=${String(frozen !== null)} onClick=${store.toggleFreeze}>
            ${t(frozen === null ? "freeze" : "plot.frozen")}
          </button>
        </span>
      </h2>
      ${fields.length === 0 && html`<p class="empty">${t("plot.none")}</p>`}
      <div class="chips fields" role="group" aria-label=${t("plot.fields")}>
        ${fields.map(
          (field) => html`
            <button
              key=${field.key}
              class="chip"
              aria-pressed=${String(isShown(field))}
              onClick=${() => toggle(field)}
            >${labelOf(field)}</button>
          `,
        )}
      </div>
      <div class="charts">
        ${fields.filter(isShown).map((field) => html`<${Chart} key=${field.key} field=${field} />`)}
      </div>
    </section>
  `;
}

function labelOf(field) {
  return isRoundTrip(field) ? `${field.name}: ${t("plot.roundTrip")}` : field.label;
}

function Chart({ field }) {
  const box = useRef(null);
  const colours = useValue(theme);
  const [summary, setSummary] = useState("");
  useEffect(() => {
    let stop = () => {};
    let isWanted = true;
    import("../vendor/uplot.js").then(({ default: UPlot }) => {
      if (isWanted) stop = draw(UPlot, box.current, field, setSummary);
    });
    return () => {
      isWanted = false;
      stop();
    };
  }, [field.key, colours]);
  return html`
    <figure>
      <figcaption>${labelOf(field)} <span class="dim">${summary}</span></figcaption>
      <div ref=${box} role="img" aria-label=${`${labelOf(field)} ${summary}`} />
    </figure>
  `;
}

// Draw a chart, and draw it again while rows come. Return a function that takes it away.
function draw(UPlot, box, field, tell) {
  const chart = new UPlot(optionsOf(box.clientWidth, field), [[], []], box);
  let drawn = -1;
  const redraw = () => {
    if (store.tick.value === drawn) return;
    drawn = store.tick.value;
    const data = seriesOf(store.shownLog().all, field);
    chart.setData(data);
    tell(summaryOf(data[1]));
  };
  redraw();
  const timer = setInterval(redraw, REDRAW);
  const stopWatching = watchSize(box, () => chart.setSize({ width: box.clientWidth, height: HEIGHT }));
  return () => {
    clearInterval(timer);
    stopWatching();
    chart.destroy();
  };
}

function summaryOf(values) {
  if (values.length === 0) return "";
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const [least, most, last] = [low, high, values.at(-1)].map((each) => Number(each.toPrecision(6)));
  return t("plot.summary", { least, most, last, count: format.count(values.length) });
}

function optionsOf(width, field) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const line = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--dim"), grid: line, ticks: line };
  const clock = (_, seconds) => seconds.map((each) => format.clock(each).slice(0, 8));
  const stroke = colour(isRoundTrip(field) ? "--from-equipment" : "--to-equipment");
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: "plot" } },
    axes: [
      { ...axis, values: clock },
      { ...axis, size: 64 },
    ],
    series: [{}, { stroke, width: 1.5, points: { size: 4 } }],
  };
}
