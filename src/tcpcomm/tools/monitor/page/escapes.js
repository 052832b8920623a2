// Bytes as a person types them: as hex digits, or as text with escapes.

const ESCAPES = { r: 13, n: 10, t: 9, 0: 0, "\\": 92 };
const PIECE = /\\x([0-9a-f]{2})|\\([rnt0\\])|([^\\]+)/giy;

// A text that is not what its form says.
export class NotBytes extends Error {}

// "54 52 47" as hex digits without spaces.
export function hexOfHex(text) {
  const digits = text.replace(/0x|[\s,:]/gi, "");
  if (!/^([0-9a-f]{2})+$/i.test(digits)) throw new NotBytes("hex");
  return digits.toLowerCase();
}

// "TRG,3\r\n" as hex digits. \x0d, \r, \n, \t, \0 and \\ stand for bytes; all else is UTF-8.
export function hexOfText(text) {
  const bytes = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < text.length) {
    const piece = PIECE.exec(text);
    if (piece === null) throw new NotBytes("text");
    const [, hex, letter, plain] = piece;
    if (hex) bytes.push(parseInt(hex, 16));
    else if (letter) bytes.push(ESCAPES[letter.toLowerCase()]);
    else bytes.push(...new TextEncoder().encode(plain));
  }
  if (bytes.length === 0) throw new NotBytes("text");
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
