import { subscribe } from "node:diagnostics_channel";
import { readFileSync, writeFileSync } from "node:fs";

// Loaded into a process that is measured (`node --import`): when it ends, it leaves what the kernel has counted for it,
// and what it asked of registries, unless nobody wants to know: to remember a million requests takes memory of its own.
const { USAGE_FILE: path, USAGE_WITHOUT_REQUESTS: isUnasked } = process.env;
if (path !== undefined) {
  const asked = new Map<string, number>();
  if (isUnasked === undefined) {
    subscribe("undici:request:create", (message) => {
      const { request } = message as { readonly request: { readonly method: string; readonly path: string } };
      const key = `${request.method} ${request.path}`;
      asked.set(key, (asked.get(key) ?? 0) + 1);
    });
  }
  process.on("exit", () => {
    const status = readFileSync("/proc/self/status", "utf8");
    const io = readFileSync("/proc/self/io", "utf8");
    const field = (text: string, name: string) => Number(new RegExp(`^${name}:\\s*([0-9]+)`, "m").exec(text)?.[1]);
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const usage = {
      peakRssBytes: field(status, "VmHWM") * 1024,
      writtenBytes: field(io, "write_bytes"),
      requests: [...asked.values()].reduce((sum, count) => sum + count, 0),
      differentRequests: asked.size,
      cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000),
    };
    writeFileSync(path, JSON.stringify(usage));
  });
}
