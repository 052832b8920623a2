// A line of the last minute without axes: one point a second.

import { html } from "../dom.js";

const WIDTH = 120;
const HEIGHT = 22;

// `lines` is a list of {points, kind}; a point that is null leaves a gap. All lines share one scale from 0.
export function Sparkline({ lines, label }) {
  const top = Math.max(...lines.flatMap(({ points }) => points.filter((each) => each !== null)), 0);
  if (top === 0) return null;
  return html`
    <svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>
      ${lines.map(({ points, kind }) => html`<path class=${kind} d=${path(points, top)} />`)}
    </svg>
  `;
}

function path(points, top) {
  const step = WIDTH / Math.max(points.length - 1, 1);
  let drawn = "";
  points.forEach((point, index) => {
    if (point === null) return;
    const begins = index === 0 || points[index - 1] === null;
    const x = (index * step).toFixed(1);
    const y = (HEIGHT - 1 - (point / top) * (HEIGHT - 2)).toFixed(1);
    drawn += begins ? `M${x},${y}h0.5` : `L${x},${y}`;
  });
  return drawn;
}
