// The table of rows. It makes elements only for the rows that can be seen, at most once in a frame of the
// screen, so that 10,000 rows a second do not freeze the page.

import { Component, classes, createRef, html, watchSize } from "../dom.js";
import * as format from "../format.js";
import { t } from "../i18n.js";
import { language } from "../settings.js";
import { markedWords } from "../filter.js";
import * as store from "../store.js";
import { RowLine } from "./row_line.js";

const HEIGHT = 22; // pixels of a row; styles/table.css has the same
const MARGIN = 6; // rows above and below what can be seen
const COLUMNS = ["time", "gap", "direction", "what", "took", "hex", "text"];

export class Table extends Component {
  box = createRef();
  state = { top: 0, seen: 30, encoding: "ascii", isAway: false };
  #follows = true;
  #drawing = null;
  #stops = [];
  #trimmed = 0;
  #shown = null; // the chosen row that was scrolled to
  #placed = null; // where it has scrolled by itself: the notice of that comes later, and is not the reader's wish

  componentDidMount() {
    const draw = () => this.#drawSoon();
    for (const each of [store.tick, store.row, language]) this.#stops.push(each.watch(draw));
    for (const each of [store.source, store.filterText]) this.#stops.push(each.watch(() => this.#goToNewest()));
    this.#stops.push(store.frozen.watch((frozen) => frozen === null && this.#goToNewest()));
    this.#stops.push(watchSize(this.box.current, () => this.#measure()));
    this.#findEncoding();
  }

  componentWillUnmount() {
    for (const stop of this.#stops) stop();
    cancelAnimationFrame(this.#drawing);
  }

  componentDidUpdate(before, { seen }) {
    if (this.#follows) this.#scrollToEnd();
    // A row that was chosen just now is drawn first.
    if (store.row.value !== this.#shown) this.#show(store.row.value);
    // A pane that opened may have covered it.
    else if (seen !== this.state.seen && !this.#follows) this.#show(store.row.value);
    if (before.declaration !== this.props.declaration) this.#findEncoding();
  }

  // A request that fails leaves ASCII: the table shows the bytes all the same, and the forms say what is wrong.
  async #findEncoding() {
    const { declaration } = this.props;
    const description = await store.describe(declaration).catch(() => null);
    if (declaration === this.props.declaration) this.setState({ encoding: description?.encoding_label ?? "ascii" });
  }

  #drawSoon() {
    this.#drawing ??= requestAnimationFrame(() => {
      this.#drawing = null;
      this.#keepPlace();
      this.setState({});
    });
  }

  // Rows that went at the top would move the others under the reader's eyes.
  #keepPlace() {
    const { trimmed } = store.shownLog();
    const gone = trimmed - this.#trimmed;
    this.#trimmed = trimmed;
    if (gone > 0 && !this.#follows) this.#scrollTo(this.box.current.scrollTop - gone * HEIGHT);
  }

  #measure() {
    const seen = Math.ceil(this.box.current.clientHeight / HEIGHT);
    if (seen !== this.state.seen) this.setState({ seen });
    else if (this.#follows) this.#scrollToEnd();
  }

  #scrollToEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.box.current;
    this.#scrollTo(scrollTop + clientHeight < scrollHeight - 1 ? scrollHeight : scrollTop);
  }

  #scrollTo(top) {
    this.box.current.scrollTop = top;
    this.#placed = this.box.current.scrollTop;
  }

  #onScroll = () => {
    const box = this.box.current;
    if (box === null) return; // another view has taken its place since it scrolled
    if (box.scrollTop !== this.#placed) {
      this.#placed = null;
      this.#follows = store.frozen.value === null && this.#isAtEnd();
    }
    const top = Math.floor(box.scrollTop / HEIGHT);
    const isAway = this.#isAway();
    if (top !== this.state.top || isAway !== this.state.isAway) this.setState({ top, isAway });
  };

  #isAtEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.box.current;
    return scrollTop + clientHeight >= scrollHeight - HEIGHT;
  }

  // Newer rows come below, where nobody sees them.
  #isAway() {
    return !this.#follows && store.frozen.value === null;
  }

  // Show the newest rows, and those that come.
  #goToNewest = () => {
    this.#follows = true;
    this.setState({ isAway: false });
  };

  // A row that is clicked stays under the pointer. As long as all rows fit, none moves.
  #onPointerDown = (event) => {
    const { scrollTop, scrollHeight, clientHeight } = this.box.current;
    if (!event.target.closest(".row") || scrollHeight <= clientHeight) return;
    this.#follows = false;
    this.#placed = scrollTop; // the notice of a scroll to here may still come
    this.setState({ isAway: this.#isAway(), top: Math.floor(scrollTop / HEIGHT) });
  };

  // Scroll so that a chosen row can be seen. From then on the table follows no longer, unless all rows fit.
  #show(row) {
    this.#shown = row;
    if (row === null) return;
    const index = store.shownLog().shown.indexOf(row);
    if (index < 0) return;
    const box = this.box.current;
    if (box.scrollHeight <= box.clientHeight) return;
    this.#follows = false;
    const above = index * HEIGHT;
    const head = HEIGHT; // the head of the table covers the first line
    const lowest = above + HEIGHT + head - box.clientHeight;
    const top = Math.min(Math.max(box.scrollTop, lowest), above);
    if (Math.abs(top - box.scrollTop) >= 1) this.#scrollTo(top); // the places of a scaled screen have fractions
    this.setState({ isAway: this.#isAway(), top: Math.floor(box.scrollTop / HEIGHT) });
  }

  #onKeyDown = (event) => {
    const rows = store.shownLog().shown;
    if (rows.length === 0) return;
    const page = Math.max(this.state.seen - 2, 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    const now = rows.indexOf(store.row.value);
    const from = now >= 0 ? now : this.#follows ? rows.length : this.state.top - 1;
    const next = Math.min(Math.max(from + step, 0), rows.length - 1);
    store.row.value = rows[next];
    if (event.key === "End") {
      this.#shown = store.row.value;
      this.#follows = store.frozen.value === null;
      this.#scrollToEnd();
    }
  };

  render() {
    const { shown, all, dropped } = store.shownLog();
    const { top, seen, encoding, isAway } = this.state;
    const last = Math.max(shown.length - seen, 0);
    const first = Math.max((this.#follows ? last : Math.min(top, last)) - MARGIN, 0);
    const rows = shown.slice(first, first + seen + 2 * MARGIN);
    const chosen = store.row.value;
    const words = markedWords(store.filterText.value);
    const several = store.session.value === null && store.hasSeveralSessions(store.source.value);
    return html`
      <div
        id="rows"
        class=${classes("rows", { several })}
        ref=${this.box}
        role="grid"
        tabindex="0"
        aria-label=${t("frames")}
        aria-rowcount=${shown.length + 1}
        aria-activedescendant=${chosen ? `row-${chosen.number}` : undefined}
        onScroll=${this.#onScroll}
        onKeyDown=${this.#onKeyDown}
        onPointerDown=${this.#onPointerDown}
      >
        <div class="head" role="row" aria-rowindex="1">
          ${several && html`<span role="columnheader" class="owner" aria-label=${t("column.session")}>#</span>`}
          ${COLUMNS.map(
            (name) => html`<span key=${name} role="columnheader" class=${name}>${t(`column.${name}`)}</span>`,
          )}
        </div>
        <div class="space" role="rowgroup" style=${{ height: `${shown.length * HEIGHT}px` }}>
          <div class="seen" role="presentation" style=${{ transform: `translateY(${first * HEIGHT}px)` }}>
            ${rows.map(
              (row, index) => html`
                <${RowLine}
                  key=${row.number}
                  row=${row}
                  index=${first + index + 2}
                  words=${words}
                  encoding=${encoding}
                  several=${several}
                  chosen=${row === chosen}
                  paired=${chosen !== null && (row === chosen.request || row === chosen.reply)}
                  reply=${row.reply}
                  glued=${row.gluedToNext}
                  gap=${row.gap}
                />
              `,
            )}
          </div>
        </div>
        ${shown.length === 0 && html`
          <p class="empty">${t(all.length === 0 ? "frames.none" : "frames.filtered")}</p>
        `}
      </div>
      ${isAway && html`<button class="newest" onClick=${this.#goToNewest}>↓ ${t("newest")}</button>`}
      <p class="foot">
        ${t("frames.count", { shown: format.count(shown.length), all: format.count(all.length) })}
        ${dropped > 0 && html` · <span class="warn">${t("frames.dropped", { count: format.count(dropped) })}</span>`}
      </p>
    `;
  }
}
