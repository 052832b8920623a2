// Bytes as text in the encoding of the equipment.

import { ascii } from "./format.js";

const decoders = new Map();

// Return the bytes as text on one line. What is not text, and control characters, are middle dots.
export function textOf(bytes, encoding) {
  const decoder = decoderOf(encoding);
  if (decoder === null) return ascii(bytes);
  return decoder.decode(bytes).replace(/[\p{Cc}\p{Cf}\u2028\u2029\ufffd]/gu, "·");
}

// Return null for ASCII, and for an encoding that the browser does not know.
function decoderOf(encoding) {
  const label = encoding.toLowerCase();
  if (!decoders.has(label)) decoders.set(label, label === "ascii" || label === "us-ascii" ? null : made(label));
  return decoders.get(label);
}

function made(label) {
  try {
    return new TextDecoder(label);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
