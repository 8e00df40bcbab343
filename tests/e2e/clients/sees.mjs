// A client of the TypeScript SDK 2.x that does what stdin says: sees.mjs legacy|auto URL or COMMAND...; see sees1.py.
import { createInterface } from "node:readline";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [mode, command, ...args] = process.argv.slice(2);
const say = (...words) => console.log(JSON.stringify(words));
const client = new Client(
  { name: "ts-sees", version: "2" },
  {
    versionNegotiation: { mode },
    listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => say("changed") } },
  },
);
const transport = command.includes("://")
  ? new StreamableHTTPClientTransport(new URL(command))
  : new StdioClientTransport({ command, args, stderr: "inherit" });
await client.connect(transport);
await new Promise((done) => setTimeout(done, 300));
say("ready", "ts");
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, name, text] = line.split(" ");
  if (verb === "list") {
    say("list", (await client.listTools()).tools.map((tool) => tool.name));
  } else if (verb === "call") {
    try {
      const result = await client.callTool({ name, arguments: JSON.parse(text ?? "{}") }, { timeout: 20000 });
      say("called", Boolean(result.isError), result.content?.[0]?.text ?? "");
    } catch (error) {
      say("error", error.code ?? 0, error.message);
    }
  } else break;
}
say("bye");
process.exit(0);
