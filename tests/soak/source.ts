import { aLayer, anImage, faults, startTestRegistry } from "@tranship/registry/testing";

// A source registry as a process of its own, started with an IPC channel: it outlives the pulls that are killed, and
// counts every byte it sends to them. Arguments: bytes to hold, seed, bytes a second for one connection.
const channels = ["alpha", "beta", "stable"];
const packages = ["alb", "console", "gateway", "ingress", "metrics", "storage"];

/** What the source is asked over the channel. */
export type SourceCommand =
  /** Say `reached` once so many bytes have been sent since the start. */
  { readonly type: "watch"; readonly bytes: number } | { readonly type: "count" } | { readonly type: "stop" };

/** What the source says over the channel. */
export type SourceMessage =
  | { readonly type: "ready"; readonly host: string }
  | { readonly type: "reached" }
  | { readonly type: "count"; readonly bytes: number };

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
  const say = (message: SourceMessage) => process.send?.(message);
  let watched = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => {
    if (registry.bytesSent() < watched) return;
    watched = Number.POSITIVE_INFINITY;
    say({ type: "reached" });
  }, 2);
  const stopped = new Promise<void>((resolve) => {
    process.on("disconnect", resolve);
    process.on("message", (command: SourceCommand) => {
      if (command.type === "watch") watched = command.bytes;
      else if (command.type === "count") say({ type: "count", bytes: registry.bytesSent() });
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
