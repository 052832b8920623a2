// A value that tells its watchers when it changed. Components read it with useValue.

import { useEffect, useState } from "./dom.js";

export class Observable {
  #value;
  #watchers = new Set();

  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }

  // Call a function at each change from now on. Return a function that stops that.
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

// Return the value of an observable, and draw the component again when it changes.
export function useValue(observable) {
  const [, draw] = useState(0);
  useEffect(() => observable.watch(() => draw((count) => count + 1)), [observable]);
  return observable.value;
}
