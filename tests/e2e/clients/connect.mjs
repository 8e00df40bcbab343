// What the clients of the TypeScript SDKs have in common: which SDK a mode means, the way to a server, and the
// answers to what a server asks. v1 is the SDK 1.x, legacy and auto are eras of 2.x.
// A client must lie with this beside a node_modules that has both.

/** The SDK of `mode`: its classes, `v1`, `schemas` (1.x only), and `named`, what a handler is registered under. */
export async function sdkOf(mode) {
  if (mode !== "v1")
    return {
      v1: false,
      schemas: {},
      named: (method) => method,
      ...(await import("@modelcontextprotocol/client")),
      ...(await import("@modelcontextprotocol/client/stdio")),
    };
  const schemas = await import("@modelcontextprotocol/sdk/types.js");
  const methods = {
    "sampling/createMessage": schemas.CreateMessageRequestSchema,
    "elicitation/create": schemas.ElicitRequestSchema,
    "roots/list": schemas.ListRootsRequestSchema,
    "notifications/resources/updated": schemas.ResourceUpdatedNotificationSchema,
    "notifications/tools/list_changed": schemas.ToolListChangedNotificationSchema,
  };
  return {
    v1: true,
    schemas,
    named: (method) => methods[method],
    ...(await import("@modelcontextprotocol/sdk/client/index.js")),
    ...(await import("@modelcontextprotocol/sdk/client/stdio.js")),
    ...(await import("@modelcontextprotocol/sdk/client/sse.js")),
    ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
  };
}

/** A client named `name` in the era of `mode`. */
export function clientOf(sdk, mode, name, options) {
  const era = sdk.v1 ? {} : { versionNegotiation: { mode } };
  return new sdk.Client({ name, version: "2" }, { ...options, ...era });
}

/** The transport to a command, or to a URL, at whose end /sse means HTTP+SSE. */
export function transportTo(sdk, command, args) {
  if (command.endsWith("/sse")) return new sdk.SSEClientTransport(new URL(command));
  if (command.includes("://")) return new sdk.StreamableHTTPClientTransport(new URL(command));
  return new sdk.StdioClientTransport({ command, args, stderr: "inherit" });
}

/** Answers each question of the server with the same; `note` hears method and parameters of it. */
export function answers(sdk, client, note) {
  client.setRequestHandler(sdk.named("sampling/createMessage"), async (request) => {
    note("sampling/createMessage", request.params);
    return { role: "assistant", content: { type: "text", text: "blue whale" }, model: "none", stopReason: "endTurn" };
  });
  client.setRequestHandler(sdk.named("elicitation/create"), async (request) => {
    note("elicitation/create", request.params);
    return request.params.mode === "url"
      ? { action: "accept" }
      : { action: "accept", content: { colour: "green", name: "Ada" } };
  });
  client.setRequestHandler(sdk.named("roots/list"), async () => ({
    roots: [{ uri: "file:///home/ada", name: "home" }],
  }));
}
