// A client of the TypeScript SDKs that does what stdin says: sees.mjs v1|legacy|auto URL or COMMAND...; see sees1.py.
import { createInterface } from "node:readline";
import { clientOf, sdkOf, transportTo } from "./connect.mjs";

const [mode, command, ...args] = process.argv.slice(2);
const say = (...words) => console.log(JSON.stringify(words));
const told = (kind) => ({ autoRefresh: false, debounceMs: 0, onChanged: () => say("changed", kind) });
const heard = { tools: told("tools"), prompts: told("prompts"), resources: told("resources") };
const listChanged = process.env.SEES_DEAF ? undefined : heard;
const sdk = await sdkOf(mode);
const client = clientOf(sdk, mode, "ts-sees", { listChanged });
await client.connect(transportTo(sdk, command, args));
await new Promise((done) => setTimeout(done, 300));
say("ready", "ts");

async function listed(kind) {
  if (kind === "prompts") return (await client.listPrompts()).prompts.map((one) => one.name);
  if (kind === "resources") return (await client.listResources()).resources.map((one) => one.uri);
  if (kind === "templates")
    return (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate);
  return (await client.listTools()).tools.map((one) => one.name);
}

async function pages() {
  const names = [];
  let cursor;
  do {
    const page = await client.listTools(cursor === undefined ? undefined : { cursor });
    names.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return names;
}

async function does(verb, words) {
  if (verb === "list") say("list", await listed(words[0] ?? "tools"));
  else if (verb === "pages") say("got", await pages());
  else if (verb === "about")
    say("got", (await client.listTools()).tools.find((tool) => tool.name === words[0]).description);
  else if (verb === "get") {
    await client.getPrompt({ name: words[0], arguments: { name: "Ada" } });
    say("got");
  } else if (verb === "read") {
    await client.readResource({ uri: words[0] });
    say("got");
  } else {
    const timeout = 1000 * Number(words[2] ?? 20);
    const wanted = { name: words[0], arguments: JSON.parse(words[1] ?? "{}") };
    const call = mode === "v1" ? client.callTool(wanted, undefined, { timeout }) : client.callTool(wanted, { timeout });
    const result = await call;
    say("called", Boolean(result.isError), result.content?.[0]?.text ?? "");
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...words] = line.split(" ");
  if (verb === "quit") break;
  try {
    await does(verb, words);
  } catch (error) {
    const late = error.code === "REQUEST_TIMEOUT" || /request timed out/i.test(error.message);
    late ? say("timeout") : say("error", error.code ?? 0, error.message);
  }
}
say("bye");
process.exit(0);
