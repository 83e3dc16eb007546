import { aLayer, anImage, faults, startTestRegistry } from "@tranship/registry/testing";

// A source registry as a process of its own, started with an IPC channel: it outlives the pulls that are killed, and
// counts every byte it sends to them. Arguments: bytes to hold, seed, bytes a second for one connection.
const channels = ["alpha", "beta", "stable"];
const packages = ["alb", "console", "gateway", "ingress", "metrics", "storage"];

/** What the source has sent and answered since it was started. */
export interface SourceCount {
  readonly bytes: number;
  readonly requests: number;
}

/** What the source is asked over the channel. */
export type SourceCommand =
  /** Say `reached` once so much has been sent, in bytes or requests, since the start. */
  | { readonly type: "watch"; readonly id: number; readonly what: keyof SourceCount; readonly amount: number }
  | { readonly type: "count" }
  | { readonly type: "stop" };

/** What the source says over the channel. */
export type SourceMessage =
  | { readonly type: "ready"; readonly host: string }
  | { readonly type: "reached"; readonly id: number }
  | ({ readonly type: "count" } & SourceCount);

/** Serves until it is told to stop. */
async function main(bytes: number, seed: string, bytesPerSecond: number): Promise<void> {
  await using registry = await startTestRegistry();
  const layerBytes = Math.floor(bytes / (packages.length * (channels.length + 1)));
  for (const name of packages) {
    registry.seed("fe/packages", anImage({ tag: name }));
    const shared = aLayer({ files: { "etc/base": name }, size: layerBytes, seed: `${seed} ${name}`, gzip: false });
    for (const [at, channel] of channels.entries()) {
      const version = `v1.${at}.0`;
      const own = aLayer({ size: layerBytes, seed: `${seed} ${name} ${version}`, files: { version }, gzip: false });
      registry.seed(`fe/packages/${name}`, anImage({ tag: version, layers: [shared, own] }));
      const files = { "version.json": JSON.stringify({ version }) };
      registry.seed(`fe/packages/${name}/version`, anImage({ tags: [version, channel], files }));
    }
  }
  registry.fail(faults.slow({ bytesPerSecond, jitterMs: 5 }));
  const amounts = { bytes: () => registry.bytesSent(), requests: () => registry.requests().length };
  const say = (message: SourceMessage) => process.send?.(message);
  let watched: Extract<SourceCommand, { readonly type: "watch" }> | undefined;
  const timer = setInterval(() => {
    if (!watched || amounts[watched.what]() < watched.amount) return;
    say({ type: "reached", id: watched.id });
    watched = undefined;
  }, 2);
  const stopped = new Promise<void>((resolve) => {
    process.on("disconnect", resolve);
    process.on("message", (command: SourceCommand) => {
      if (command.type === "watch") watched = command;
      else if (command.type === "count") say({ type: "count", bytes: amounts.bytes(), requests: amounts.requests() });
      else resolve();
    });
  });
  say({ type: "ready", host: registry.host });
  await stopped;
  clearInterval(timer);
  if (process.connected) process.disconnect();
}

const [bytes = "0", seed = "", bytesPerSecond = "0"] = process.argv.slice(2);
await main(Number(bytes), seed, Number(bytesPerSecond));
