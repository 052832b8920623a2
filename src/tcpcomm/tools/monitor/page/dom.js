// The one door to preact and htm: components import all of it from here.

import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { Component, Fragment, createRef, render } from "./vendor/preact.js";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.js";

export const html = htm.bind(h);

// Call a function with an element, now and in the frame of the screen after each change of its size. Return a
// function that stops that. To change a size within the browser's own notice would be reported as an error.
export function watchSize(element, tell) {
  let frame = null;
  const observer = new ResizeObserver(() => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      tell(element);
    });
  });
  observer.observe(element);
  tell(element);
  return () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  };
}

// Return the names of the classes whose condition is true: classes("row", { bad: true }) is "row bad".
export function classes(first, conditions) {
  const names = Object.keys(conditions).filter((name) => conditions[name]);
  return [first, ...names].filter(Boolean).join(" ");
}
