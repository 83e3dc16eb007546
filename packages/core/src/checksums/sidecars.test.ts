import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import type { MirrorEvent, OnEvent } from "../events.ts";
import type { VerifyFinding } from "../transfer/verify-report.ts";
import { checksumFindings } from "./checksum-findings.ts";
import { DigestThread } from "./digest-thread.ts";
import { type ChecksumKind, parseSidecar } from "./sidecar.ts";
import { SidecarWriter } from "./sidecar-writer.ts";

const text = `${"0123456789".repeat(6)}012`;
const gost = "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500";

/** A folder with these files. */
function aFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "tranship-sidecars-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

async function writeSidecars(
  folder: string,
  files: readonly string[],
  kinds: readonly ChecksumKind[],
  onEvent?: OnEvent,
): Promise<void> {
  await using writer = new SidecarWriter({ folder, kinds, onEvent });
  writer.add(files);
  await writer.finish();
}

async function digestFile(...job: Parameters<DigestThread["digest"]>): ReturnType<DigestThread["digest"]> {
  await using thread = new DigestThread();
  return await thread.digest(...job);
}

async function findingsIn(folder: string, ...names: readonly string[]): Promise<readonly VerifyFinding[]> {
  const files = names.map((name) => ({ archive: name.replace(/\.[0-9]{4}\.chunk$/, ""), path: join(folder, name) }));
  return await Array.fromAsync(checksumFindings(files));
}

test("a .gostsum holds 64 digits and nothing else; a .sha256 is what sha256sum -c reads", async () => {
  const folder = aFolder({ "a.tar": text, "b.tar.0000.chunk": "chunk" });
  await writeSidecars(folder, ["a.tar", "b.tar.0000.chunk"], ["sha256", "gost"]);
  expect(readFileSync(join(folder, "a.tar.gostsum"), "latin1")).toBe(gost);
  expect(statSync(join(folder, "a.tar.gostsum")).mode & 0o777).toBe(0o644);
  const sidecars = ["a.tar.sha256", "b.tar.0000.chunk.sha256"];
  const checked = execFileSync("sha256sum", ["--check", "--strict", ...sidecars], { cwd: folder, encoding: "utf8" });
  expect(checked).toBe("a.tar: OK\nb.tar.0000.chunk: OK\n");
  expect(readdirSync(folder)).toHaveLength(6);
});

test("a file whose checksums are there is not read again, and one that lacks a kind is read for that kind", async () => {
  const folder = aFolder({ "a.tar": text, "a.tar.sha256": "kept" });
  const events: MirrorEvent[] = [];
  const onEvent = (event: MirrorEvent) => void events.push(event);
  await writeSidecars(folder, ["a.tar"], ["sha256"], onEvent);
  expect(events).toEqual([]);
  await writeSidecars(folder, ["a.tar"], ["sha256", "gost"], onEvent);
  expect(events).toMatchObject([
    { type: "checksum.started", file: "a.tar", size: 63 },
    { type: "checksum.progress", file: "a.tar", bytes: 63 },
    { type: "checksum.finished", file: "a.tar", size: 63, kinds: ["gost"] },
  ]);
  expect(readFileSync(join(folder, "a.tar.sha256"), "utf8")).toBe("kept");
  expect(readFileSync(join(folder, "a.tar.gostsum"), "utf8")).toBe(gost);
});

test("a file that cannot be read is named, and an abort ends the reading with its reason", async () => {
  const folder = aFolder({ "a.tar": text });
  await expect(writeSidecars(folder, ["gone.tar"], ["gost"])).rejects.toSatisfy((error) =>
    isMirrorError(error, "FILE_FAILED"),
  );
  mkdirSync(join(folder, "folder.tar"));
  await expect(digestFile(join(folder, "folder.tar"), ["sha256"])).rejects.toThrow("it is a folder, not a file");
  const reason = new Error("enough");
  const stop = new AbortController();
  const onBytes = () => stop.abort(reason);
  await expect(digestFile(join(folder, "a.tar"), ["gost"], { signal: stop.signal, onBytes })).rejects.toBe(reason);
  expect(readdirSync(folder).sort()).toEqual(["a.tar", "folder.tar"]);
});

test("checksums that match are no finding, whoever wrote them, and a file without them is not read", async () => {
  const folder = aFolder({ "a.tar": text, "b.tar": text, "c.tar.0000.chunk": text });
  const sha256 = (await digestFile(join(folder, "a.tar"), ["sha256"])).get("sha256");
  writeFileSync(join(folder, "a.tar.gostsum"), `${gost.toUpperCase()}  ./a.tar\n`);
  writeFileSync(join(folder, "a.tar.sha256"), `${sha256} *a.tar\r\n`);
  writeFileSync(join(folder, "c.tar.0000.chunk.gostsum"), gost);
  expect(await findingsIn(folder, "a.tar", "b.tar", "c.tar.0000.chunk", "gone.tar")).toEqual([]);
});

test("a file that changed is named with the checksum that says so, a chunk under its own name", async () => {
  const folder = aFolder({ "a.tar": "other", "b.tar.0001.chunk": "other", "a.tar.gostsum": gost });
  writeFileSync(join(folder, "b.tar.0001.chunk.sha256"), `${"0".repeat(64)}  b.tar.0001.chunk\n`);
  expect(await findingsIn(folder, "a.tar", "b.tar.0001.chunk")).toMatchObject([
    { code: "CHECKSUM_MISMATCH", archive: "a.tar", entry: "a.tar.gostsum" },
    { code: "CHECKSUM_MISMATCH", archive: "b.tar", files: ["b.tar.0001.chunk"], entry: "b.tar.0001.chunk.sha256" },
  ]);
});

test("a sidecar that holds no checksum of its file is a finding, and the other one is still compared", async () => {
  const folder = aFolder({
    "a.tar": text,
    "a.tar.sha256": `${"0".repeat(64)}  b.tar\n`,
    "a.tar.gostsum": gost.slice(1),
  });
  mkdirSync(join(folder, "b.tar.sha256"));
  writeFileSync(join(folder, "b.tar.gostsum"), "1".repeat(64));
  writeFileSync(join(folder, "b.tar"), text);
  expect((await findingsIn(folder, "a.tar", "b.tar")).map(({ code, entry }) => `${code} ${entry}`)).toEqual([
    "CHECKSUM_INVALID a.tar.sha256",
    "CHECKSUM_INVALID a.tar.gostsum",
    "CHECKSUM_INVALID b.tar.sha256",
    "CHECKSUM_MISMATCH b.tar.gostsum",
  ]);
});

test.for([
  "",
  "g".repeat(64),
  `${gost}0`,
  `${gost} `,
  `${gost}  a.tar\n${gost}  a.tar\n`,
  `${gost}  ../a.tar`,
  `\n${gost}`,
])("%j is no sidecar of a.tar", (content) => {
  expect(parseSidecar(content, "a.tar")).toBeUndefined();
});
