// Calls tools with the TypeScript SDK 2.x: calls.mjs CALLS COMMAND...; prints what each came to.
// CALLS is a JSON array of [tool, arguments, seconds]; a call is given up after so many seconds.
// It must lie beside a node_modules that has @modelcontextprotocol/client.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [calls, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "ts-calls", version: "2" }, { capabilities: {} });
await client.connect(new StdioClientTransport({ command, args, stderr: "inherit" }));
await client.listTools();
const found = [];
for (const [tool, filled, seconds] of JSON.parse(calls)) {
  try {
    const result = await client.callTool({ name: tool, arguments: filled }, { timeout: seconds * 1000 });
    found.push([Boolean(result.isError), result.content?.[0]?.text ?? ""]);
  } catch (error) {
    found.push([error.code ?? 0, error.message]);
  }
}
await client.close();
process.stdout.write(JSON.stringify(found));
