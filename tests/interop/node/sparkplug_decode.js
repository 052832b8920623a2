// Read lines "topic payload-in-hexadecimal", and print each payload as JSON, as Eclipse Tahu's library reads it.
const { get } = require("sparkplug-payload");
const readline = require("readline");

const library = get("spBv1.0");
const plain = (key, value) => {
  if (value && typeof value === "object" && "low" in value && "high" in value && "unsigned" in value) {
    return Number(require("long").fromValue(value).toString());
  }
  return value && value.type === "Buffer" ? Buffer.from(value.data).toString("hex") : value;
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const [topic, hex] = line.split(" ");
  console.log(JSON.stringify({ topic, ...library.decodePayload(Buffer.from(hex, "hex")) }, plain));
});
