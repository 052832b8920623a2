// The stream of events from the server. It opens again by itself, and says in which state it is.

import { ApiError, get, url } from "./api.js";
import { Observable } from "./observable.js";

const RETRY = 1000; // ms between two attempts
const SILENCE = 15_000; // ms without any event, after which the page asks whether the server still answers

export class Stream {
  // {state: "connecting" | "live" | "lost" | "refused", since: ms since 1970, why: words of the server}
  line = new Observable({ state: "connecting", since: Date.now(), why: "" });

  #handlers;
  #watch = "none";
  #source = null;
  #timer = null;
  #silence = null;

  // The handlers are functions of the data of an event, by its name: hello, overview, rows, bye.
  constructor(handlers) {
    this.#handlers = handlers;
  }

  // Watch other sources from now on. `parameters()` returns the history to begin with, at each attempt.
  watch(watch, parameters) {
    this.#watch = { watch, parameters };
    this.#open();
  }

  // Try again at once, for example with another token.
  retry() {
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const { watch, parameters } = this.#watch;
    const source = new EventSource(url("stream", { watch, ...parameters() }));
    this.#source = source;
    for (const [name, handle] of Object.entries(this.#handlers)) {
      source.addEventListener(name, (event) => {
        if (source !== this.#source) return;
        this.#heard();
        handle(JSON.parse(event.data));
        if (name === "bye") this.#lose("");
      });
    }
    source.addEventListener("error", () => source === this.#source && this.#ask());
    this.#expectEvents();
  }

  #heard() {
    this.#state("live");
    this.#expectEvents();
  }

  #expectEvents() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#checkSilence(), SILENCE);
  }

  // An idle server sends nothing, and a dead cable neither: a question tells them apart.
  async #checkSilence() {
    const source = this.#source;
    try {
      this.#handlers.overview(await get("overview"));
      if (source === this.#source) this.#expectEvents();
    } catch {
      if (source === this.#source) this.#ask();
    }
  }

  // An EventSource does not tell why it failed. A plain request does.
  async #ask() {
    this.#source.close();
    clearTimeout(this.#silence);
    const source = this.#source;
    let why = "";
    let state = "lost";
    try {
      await get("overview");
    } catch (error) {
      if (error instanceof ApiError && error.status > 0) {
        why = error.message;
        state = error.status === 401 || error.status === 403 ? "refused" : "lost";
      }
    }
    if (source === this.#source) this.#lose(why, state);
  }

  #lose(why, state = "lost") {
    this.#source.close();
    clearTimeout(this.#silence);
    this.#state(state, why);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), RETRY * (state === "refused" ? 5 : 1));
  }

  #state(state, why = "") {
    const { state: before, why: reason, since } = this.line.value;
    if (state === before && why === reason) return;
    this.line.value = { state, why, since: state === before ? since : Date.now() };
  }
}
