// Talks with the camera through vscode-jsonrpc, both ways. Prints the results, one JSON text a line.
"use strict";

const net = require("net");
const rpc = require("vscode-jsonrpc/node");

async function main() {
  const socket = net.connect(Number(process.argv[2]), "127.0.0.1");
  const camera = rpc.createMessageConnection(
    new rpc.StreamMessageReader(socket),
    new rpc.StreamMessageWriter(socket));
  const print = (value) => console.log(JSON.stringify(value));
  const failure = (error) => ({ code: error.code, message: error.message, data: error.data });

  const lampIsWarm = new Promise((resolve) => camera.onNotification("lamp", resolve));
  camera.onRequest("where", ({ joint }) =>
    joint < 6 ? joint * 10.5 : new rpc.ResponseError(7, `no joint ${joint}`));
  camera.listen();

  print(await camera.sendRequest("locate", { job: 3 }));
  print(await camera.sendRequest("locate", { job: 4 }).catch(failure));
  print(await camera.sendRequest("calibrate").catch(failure));
  print(await camera.sendRequest("say", { text: "측정 완료\r\n\r\nContent-Length: 5\r\n\r\n" }));
  const texts = Array.from({ length: 200 }, (_, number) => `${number} `.repeat(100));
  const echoes = await Promise.all(texts.map((text) => camera.sendRequest("say", { text })));
  print(echoes.every((text, number) => text === texts[number]));
  print(await camera.sendRequest("joints", { numbers: [0, 1, 5] }));
  print(await camera.sendRequest("joints", { numbers: [1, 6] }).catch(failure));
  await camera.sendNotification("warm_up", { seconds: 9 });
  print(await lampIsWarm);
  camera.end();
  socket.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
