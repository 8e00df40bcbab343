// A client of the TypeScript SDK 2.x that lives through a restart: restarts.mjs MODE FOLDER COMMAND... or URL.
// It says in FOLDER when it has called ("called"), and calls again when it finds "again" there.
import { existsSync, writeFileSync } from "node:fs";
import { clientOf, sdkOf, transportTo } from "./connect.mjs";

const [mode, folder, command, ...args] = process.argv.slice(2);
const sdk = await sdkOf(mode);
const client = clientOf(sdk, mode, "ts-client", {});
const heard = [];
if (mode === "legacy") {
  client.setNotificationHandler("notifications/tools/list_changed", async (said) => heard.push(said.method));
}
await client.connect(transportTo(sdk, command, args));
const modern = mode !== "legacy" && client.getServerCapabilities() !== undefined;
const add = async () => (await client.callTool({ name: "add", arguments: { a: 2, b: 3 } })).content[0].text;
const results = [await add()];
const slow = client.callTool({ name: "slow", arguments: { seconds: 30 } }).then(
  () => results.push("answered"),
  (error) => results.push(error.message),
);
await new Promise((done) => setTimeout(done, 500));
writeFileSync(`${folder}/called`, "");
while (!existsSync(`${folder}/again`)) await new Promise((done) => setTimeout(done, 50));
const again = await add();
await slow;
results.push(again);
await new Promise((done) => setTimeout(done, 300));
await client.close();
process.stdout.write(JSON.stringify({ results, heard, modern }));
process.exit(0);
