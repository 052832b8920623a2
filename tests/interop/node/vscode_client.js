// Talks with the camera through vscode-jsonrpc, both ways. Prints what comes, one JSON text a line.
"use strict";

const net = require("net");
const rpc = require("vscode-jsonrpc/node");

async function main() {
  const socket = net.connect(Number(process.argv[2]), "127.0.0.1");
  const camera = rpc.createMessageConnection(
    new rpc.StreamMessageReader(socket),
    new rpc.StreamMessageWriter(socket));
  const tell = (value) => console.log(JSON.stringify(value));
  const failure = (error) => ({ code: error.code, message: error.message, data: error.data });

  const lampIsWarm = new Promise((resolve) => camera.onNotification("lamp", resolve));
  camera.onRequest("where", ({ joint }) =>
    joint < 6 ? joint * 10.5 : new rpc.ResponseError(7, `no joint ${joint}`));
  camera.listen();

  tell(await camera.sendRequest("locate", { job: 3 }));
  tell(await camera.sendRequest("locate", { job: 4 }).catch(failure));
  tell(await camera.sendRequest("calibrate").catch(failure));
  tell(await camera.sendRequest("say", { text: "측정 완료\r\n\r\nContent-Length: 5\r\n\r\n" }));
  const texts = Array.from({ length: 200 }, (_, number) => `${number} `.repeat(100));
  const said = await Promise.all(texts.map((text) => camera.sendRequest("say", { text })));
  tell(said.every((text, number) => text === texts[number]));
  tell(await camera.sendRequest("joints", { numbers: [0, 1, 5] }));
  tell(await camera.sendRequest("joints", { numbers: [1, 6] }).catch(failure));
  await camera.sendNotification("warm_up", { seconds: 9 });
  tell(await lampIsWarm);
  camera.end();
  socket.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
