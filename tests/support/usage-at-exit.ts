import { readFileSync, writeFileSync } from "node:fs";

// Loaded into a process that is measured (`node --import`): when it ends, it leaves what the kernel has counted for it.
const { USAGE_FILE: path } = process.env;
if (path !== undefined) {
  process.on("exit", () => {
    const status = readFileSync("/proc/self/status", "utf8");
    const io = readFileSync("/proc/self/io", "utf8");
    const field = (text: string, name: string) => Number(new RegExp(`^${name}:\\s*([0-9]+)`, "m").exec(text)?.[1]);
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const usage = {
      peakRssBytes: field(status, "VmHWM") * 1024,
      writtenBytes: field(io, "write_bytes"),
      cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000),
    };
    writeFileSync(path, JSON.stringify(usage));
  });
}
