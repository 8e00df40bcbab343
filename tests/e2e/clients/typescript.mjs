// A client of the TypeScript SDKs: typescript.mjs v1|legacy|auto COMMAND... or URL; prints what it got and did.
// v1 is the SDK 1.x, the others are eras of 2.x. It must lie beside a node_modules that has both.
const [mode, command, ...args] = process.argv.slice(2);
const v1 = mode === "v1";
const sdk = v1
  ? {
      ...(await import("@modelcontextprotocol/sdk/client/index.js")),
      ...(await import("@modelcontextprotocol/sdk/client/stdio.js")),
      ...(await import("@modelcontextprotocol/sdk/client/sse.js")),
      ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
    }
  : {
      ...(await import("@modelcontextprotocol/client")),
      ...(await import("@modelcontextprotocol/client/stdio")),
    };
const schemas = v1 ? await import("@modelcontextprotocol/sdk/types.js") : {};
const methods = {
  "sampling/createMessage": schemas.CreateMessageRequestSchema,
  "elicitation/create": schemas.ElicitRequestSchema,
  "roots/list": schemas.ListRootsRequestSchema,
};
const results = [];
const did = [];
let seen = [];

async function step(method, name, call) {
  let result;
  let status;
  try {
    result = await call();
    status = result?.isError ? "tool-error" : "ok";
  } catch (error) {
    result = { raised: error.constructor.name, text: error.message, code: error.code };
    status = "rpc-error";
  }
  results.push([method, name, result ?? null, seen]);
  did.push({ method, name, status });
  seen = [];
  return result;
}

const capabilities = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } };
const client = new sdk.Client(
  { name: "ts-client", version: "2" },
  v1 ? { capabilities } : { capabilities, versionNegotiation: { mode } },
);
const answer = (method, handler) => client.setRequestHandler(v1 ? methods[method] : method, handler);
const call = (params, options) =>
  v1 ? client.callTool(params, undefined, options) : client.callTool(params, options);
answer("sampling/createMessage", async (request) => {
  seen.push(["sampling/createMessage", request.params]);
  return { role: "assistant", content: { type: "text", text: "blue whale" }, model: "none", stopReason: "endTurn" };
});
answer("elicitation/create", async (request) => {
  seen.push(["elicitation/create", request.params]);
  return { action: "accept", content: { colour: "green", name: "Ada" } };
});
answer("roots/list", async () => ({ roots: [{ uri: "file:///home/ada", name: "home" }] }));

let transport;
if (command.endsWith("/sse")) transport = new sdk.SSEClientTransport(new URL(command));
else if (command.includes("://")) transport = new sdk.StreamableHTTPClientTransport(new URL(command));
else transport = new sdk.StdioClientTransport({ command, args, stderr: "inherit" });
await client.connect(transport);

const name = client.getServerVersion()?.name ?? "sdk";
await new Promise((done) => setTimeout(done, 300));
// Asked for, not compared: this SDK drops progress that it reads together with the answer.
const onprogress = () => {};
const everything = name.includes("everything");
const tools = everything
  ? [
      ["echo", { message: "hällo \u2028 \u0007" }],
      ["get-structured-content", { location: "Chicago" }],
      ["trigger-long-running-operation", { duration: 0.3, steps: 3 }],
      ["trigger-sampling-request", { prompt: "two words", maxTokens: 10 }],
      ["trigger-elicitation-request", {}],
      ["no-such-tool", {}],
    ]
  : [
      ["add", { a: 2, b: 3 }],
      ["count", { to: 3 }],
      ["ask", {}],
      ["dream", { prompt: "two words" }],
      ["where", {}],
      ["picture", {}],
      ["fail", {}],
      ["no-such-tool", {}],
    ];
await step("tools/list", null, () => client.listTools());
for (const [tool, filled] of tools) {
  await step("tools/call", tool, () => call({ name: tool, arguments: filled }, { onprogress }));
}
await step("resources/list", null, () => client.listResources());
const uri = everything ? "demo://resource/static/document/features.md" : "note://static";
await step("resources/read", uri, () => client.readResource({ uri }));
await step("resources/read", "no://such", () => client.readResource({ uri: "no://such" }));
await step("prompts/list", null, () => client.listPrompts());
const prompt = everything ? ["args-prompt", { city: "Bern" }] : ["greet", { name: "Ada" }];
await step("prompts/get", prompt[0], () => client.getPrompt({ name: prompt[0], arguments: prompt[1] }));
await client.close();
process.stdout.write(JSON.stringify({ server: name, results, did }));
