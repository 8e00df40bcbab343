// A client of the TypeScript SDKs that walks a plan: walk.mjs v1|legacy|auto PLAN COMMAND... or URL.
import { readFileSync } from "node:fs";
import { answers, clientOf, sdkOf, transportTo } from "./connect.mjs";

const [mode, plan, command, ...args] = process.argv.slice(2);
const sdk = await sdkOf(mode);
const { v1, schemas, named } = sdk;
const capabilities = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };
const client = clientOf(sdk, mode, "ts-client", { capabilities });
let seen = [];
const updated = new Set();
const changed = new Set();
answers(sdk, client, (...said) => seen.push(said));
client.setNotificationHandler(named("notifications/resources/updated"), async (said) => updated.add(said.params.uri));
client.setNotificationHandler(named("notifications/tools/list_changed"), async (said) => changed.add(said.method));

await client.connect(transportTo(sdk, command, args));
await new Promise((done) => setTimeout(done, 1000)); // a server may look at the roots, and offer more tools afterwards
const modern = (client.getNegotiatedProtocolVersion?.() ?? "") >= "2026";

const lists = {
  tools: ["listTools", "tools"],
  prompts: ["listPrompts", "prompts"],
  resources: ["listResources", "resources"],
  templates: ["listResourceTemplates", "resourceTemplates"],
};
async function call(name, filled, more = {}) {
  // Progress is asked for, not compared: this SDK drops what it reads together with the answer.
  const options = { onprogress: () => {}, ...more };
  const params = { name, arguments: filled ?? {} };
  return v1 ? client.callTool(params, undefined, options) : client.callTool(params, options);
}
async function hears(uri) {
  const end = Date.now() + 20000;
  while (!updated.has(uri)) {
    if (Date.now() > end) throw new Error(`nothing was heard of ${uri}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
const steps = {
  async list({ kind }) {
    const [method, member] = lists[kind];
    const items = [];
    let cursor;
    do {
      const page = await client[method](cursor === undefined ? undefined : { cursor });
      items.push(...page[member]);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return { items };
  },
  call: ({ name, arguments: filled }) => call(name, filled),
  read: ({ uri }) => client.readResource({ uri }),
  get: ({ name, arguments: filled }) => client.getPrompt({ name, arguments: filled ?? {} }),
  complete({ name, uri, argument, context }) {
    const ref = name === undefined ? { type: "ref/resource", uri } : { type: "ref/prompt", name };
    return client.complete({ ref, argument, ...(context ? { context: { arguments: context } } : {}) });
  },
  level: ({ level }) => (modern ? {} : client.setLoggingLevel(level)),
  async subscribe({ uri, by }) {
    if (modern) {
      const heard = await client.listen({ resourceSubscriptions: [uri] });
      await call(by);
      await hears(uri);
      await heard.close();
    } else {
      await client.subscribeResource({ uri });
      await call(by);
      await hears(uri);
      await client.unsubscribeResource({ uri });
    }
    return { heard: true };
  },
  async task({ name, arguments: filled }) {
    if (!v1) return {};
    let found;
    const params = { name, arguments: filled ?? {} };
    const stream = client.experimental.tasks.callToolStream(params, schemas.CallToolResultSchema, { task: {} });
    for await (const said of stream) if (said.type === "result") found = said.result.content[0];
    return { content: found };
  },
  async leave({ name, arguments: filled }) {
    const left = new AbortController();
    setTimeout(() => left.abort(), 300);
    return call(name, filled, { signal: left.signal }).catch(() => ({ left: true }));
  },
};

const results = [];
for (const step of JSON.parse(readFileSync(plan))) {
  let result;
  try {
    result = await steps[step.do](step);
  } catch (error) {
    result = { raised: error.constructor.name, text: error.message, code: error.code };
  }
  results.push([step.do, step.name ?? step.uri ?? step.kind, result ?? null, seen]);
  seen = [];
}
await client.close();
process.stdout.write(JSON.stringify({ results, changed: [...changed].sort() }), () => process.exit(0));
