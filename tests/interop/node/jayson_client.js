// Sends the camera commands with jayson, one JSON text a line. Prints the replies, one JSON text a line.
// jayson takes the first line of each connection as its reply, so no command here makes the camera send events.
"use strict";

const jayson = require("jayson/promise");

async function main() {
  const client = jayson.Client.tcp({ host: "127.0.0.1", port: Number(process.argv[2]) });
  const print = (response) => {
    const withoutId = (one) => ({ result: one.result, error: one.error });
    console.log(JSON.stringify(Array.isArray(response) ? response.map(withoutId) : withoutId(response)));
  };
  print(await client.request("locate", { job: 3 }));
  print(await client.request("locate", [3]));
  print(await client.request("locate", { job: 4 }));
  print(await client.request("locate", { job: "three" }));
  print(await client.request("calibrate", {}));
  print(await client.request("say", { text: "측정 완료\n" }));
  print(await client.request([
    client.request("locate", { job: 3 }, undefined, false),
    client.request("say", { text: "nobody answers a notification" }, null, false),
    client.request("calibrate", {}, undefined, false),
  ]));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
