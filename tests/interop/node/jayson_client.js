// Asks the camera with jayson, one JSON text a line. Prints what comes back, one JSON text a line.
// It takes the first line of each connection for its answer, so nothing here makes the camera tell events.
"use strict";

const jayson = require("jayson/promise");

async function main() {
  const client = jayson.Client.tcp({ host: "127.0.0.1", port: Number(process.argv[2]) });
  const tell = (response) => {
    const withoutId = (one) => ({ result: one.result, error: one.error });
    console.log(JSON.stringify(Array.isArray(response) ? response.map(withoutId) : withoutId(response)));
  };
  tell(await client.request("locate", { job: 3 }));
  tell(await client.request("locate", [3]));
  tell(await client.request("locate", { job: 4 }));
  tell(await client.request("locate", { job: "three" }));
  tell(await client.request("calibrate", {}));
  tell(await client.request("say", { text: "측정 완료\n" }));
  tell(await client.request([
    client.request("locate", { job: 3 }, undefined, false),
    client.request("say", { text: "nobody answers a notification" }, null, false),
    client.request("calibrate", {}, undefined, false),
  ]));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
