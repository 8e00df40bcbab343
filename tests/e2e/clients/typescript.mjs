// A client of the TypeScript SDKs: typescript.mjs v1|legacy|auto COMMAND... or URL; prints what it got and did.
import { answers, clientOf, sdkOf, transportTo } from "./connect.mjs";

const [mode, command, ...args] = process.argv.slice(2);
const sdk = await sdkOf(mode);
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
const client = clientOf(sdk, mode, "ts-client", { capabilities });
const call = (params, options) =>
  sdk.v1 ? client.callTool(params, undefined, options) : client.callTool(params, options);
answers(sdk, client, (...said) => seen.push(said));
await client.connect(transportTo(sdk, command, args));

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
