// The filter line: which rows are shown. It knows rows, and nothing of the page.
//
//   locate            the decoded text, the name, the reason or the ASCII holds this word
//   "no part"         the same with a space in it
//   fault             only rows with something wrong
//   cut, glued        only chunks that the network cut or glued
//   to, from          only rows to the equipment, or from it
//   hex 54 52 47      the bytes hold these
//   x > 12.5          the value x is greater; also < >= <= = !=
//   -ping             not this
//
// A space is "and", a comma is "or".

const COMPARISONS = {
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => String(a) === String(b),
  "!=": (a, b) => String(a) !== String(b),
};

const WORDS = {
  fault: (row) => row.bad,
  cut: (row) => row.cut,
  glued: (row) => row.glued,
  to: (row) => row.toEquipment,
  from: (row) => !row.toEquipment,
};

// The order matters: a comparison before a word, because it begins with one.
const TERM = new RegExp(
  [
    /(?<not>-?)hex\s+(?<hex>[0-9a-f]{2}(?:\s*[0-9a-f]{2})*)(?=\s|$)/,
    /(?<not2>-?)(?<field>[^\s<>=!"-][^\s<>=!"]*)\s*(?<comparison>>=|<=|!=|>|<|=)\s*(?<value>"[^"]*"|\S+)/,
    /(?<not3>-?)"(?<phrase>[^"]*)"/,
    /(?<not4>-?)(?<word>\S+)/,
  ]
    .map((each) => each.source)
    .join("|"),
  "gi",
);

// Return a function of a row, or null if the text asks for nothing.
export function compile(text) {
  const alternatives = outsideQuotes(text).map(compileAll).filter(Boolean);
  if (alternatives.length === 0) return null;
  return (row) => alternatives.some((matches) => matches(row));
}

// The words to mark in the rows that are shown.
export function markedWords(text) {
  const terms = outsideQuotes(text).flatMap((each) => [...each.matchAll(TERM)]);
  return terms
    .map(({ groups }) => (groups.not3 || groups.not4 ? "" : (groups.phrase ?? groups.word ?? "")))
    .filter((word) => word && !(word.toLowerCase() in WORDS));
}

function outsideQuotes(text) {
  return (text.match(/(?:"[^"]*"|[^",]|")+/g) ?? []).map((each) => each.trim()).filter(Boolean);
}

function compileAll(text) {
  const terms = [...text.matchAll(TERM)].map(({ groups }) => compileTerm(groups));
  return terms.length === 0 ? null : (row) => terms.every((matches) => matches(row));
}

function compileTerm(groups) {
  const negated = Boolean(groups.not || groups.not2 || groups.not3 || groups.not4);
  const matches = matcher(groups);
  return negated ? (row) => !matches(row) : matches;
}

function matcher({ hex, field, comparison, value, phrase, word }) {
  if (hex) {
    const digits = hex.replace(/\s/g, "").toLowerCase();
    return (row) => holdsBytes(row.hex, digits);
  }
  if (field) return compared(field.toLowerCase(), COMPARISONS[comparison], value.replace(/^"|"$/g, ""));
  if (word && word.toLowerCase() in WORDS) return WORDS[word.toLowerCase()];
  const wanted = (phrase ?? word).toLowerCase();
  return (row) => row.searched.includes(wanted);
}

function holdsBytes(hex, digits) {
  for (let at = hex.indexOf(digits); at >= 0; at = hex.indexOf(digits, at + 1)) {
    if (at % 2 === 0) return true; // at an odd place it would be halves of two bytes
  }
  return false;
}

function compared(field, compare, text) {
  const number = Number(text);
  const wanted = text !== "" && Number.isFinite(number) ? number : text;
  return (row) =>
    Object.entries(row.flat()).some(([path, value]) => {
      const name = path.toLowerCase();
      return (name === field || name.endsWith(`.${field}`)) && compare(value, wanted);
    });
}
