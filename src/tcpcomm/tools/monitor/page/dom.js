// The one door to preact and htm: components import all of it from here.

import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { Component, Fragment, createRef, render } from "./vendor/preact.js";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.js";

export const html = htm.bind(h);

// Return the names of the classes whose condition is true: classes("row", { bad: true }) is "row bad".
export function classes(first, conditions) {
  const names = Object.keys(conditions).filter((name) => conditions[name]);
  return [first, ...names].filter(Boolean).join(" ");
}
