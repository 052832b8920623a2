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
  const [, setCount] = useState(0);
  const { value } = observable;
  useEffect(() => {
    const draw = () => setCount((count) => count + 1);
    if (!Object.is(observable.value, value)) draw(); // it changed before this component could watch it
    return observable.watch(draw);
  }, [observable]);
  return value;
}
