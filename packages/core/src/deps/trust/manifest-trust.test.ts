import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@tranship/registry";
import { expect, test } from "vitest";
import { isDepsError } from "../errors.ts";
import { requireHttpUrl } from "../podplane/vmconfig-items.ts";
import { requirePin, trustPolicy } from "./manifest-trust.ts";
import { checkSignatures } from "./signature.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isDepsError(error)) return error.code;
    throw error;
  }
  return "none";
}

const openssl = "openssl"; // of the machine, not of a package
const isInstalled = spawnSync(openssl, ["version"]).status === 0;
if (!isInstalled) console.warn("deps/trust: skipped, openssl is not installed");

const bytes = new TextEncoder().encode('{"components":{}}');
const pem = { type: "spki", format: "pem" } as const;
const ed25519 = generateKeyPairSync("ed25519");
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

test.for([
  { name: "ed25519", keys: ed25519, hash: null },
  { name: "an elliptic curve over SHA-256", keys: ec, hash: "sha256" },
  { name: "an elliptic curve over SHA-512", keys: ec, hash: "sha512" },
  { name: "RSA over SHA-256", keys: rsa, hash: "sha256" },
])("a signature by $name is believed, raw and in base64, of the bytes that were signed alone", ({ keys, hash }) => {
  const other = generateKeyPairSync("ed25519").publicKey.export(pem);
  const check = checkSignatures([String(other), String(keys.publicKey.export(pem))]);
  const signature = sign(hash, bytes, keys.privateKey);
  const inBase64 = Buffer.from(`${signature.toString("base64").replace(/(.{64})/g, "$1\n")}\n`);
  check.require(bytes, signature, "m");
  check.require(bytes, inBase64, "m");
  const changed = Buffer.from(bytes);
  changed[3] = (changed[3] ?? 0) ^ 1;
  expect(codeOf(() => check.require(changed, signature, "m"))).toBe("SIGNATURE_INVALID");
  expect(codeOf(() => check.require(bytes, signature.subarray(1), "m"))).toBe("SIGNATURE_INVALID");
  expect(codeOf(() => check.require(bytes, new Uint8Array(), "m"))).toBe("SIGNATURE_INVALID");
  expect(codeOf(() => checkSignatures([String(other)]).require(bytes, inBase64, "m"))).toBe("SIGNATURE_INVALID");
});

test.skipIf(!isInstalled)("what openssl signs is believed", () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-"));
  try {
    const key = join(folder, "key.pem");
    writeFileSync(key, ec.privateKey.export({ type: "pkcs8", format: "pem" }));
    const signature = execFileSync(openssl, ["dgst", "-sha512", "-sign", key], { input: bytes });
    checkSignatures([String(ec.publicKey.export(pem))]).require(bytes, signature, "m");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("keys that prove nothing are refused at once", () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export(pem);
  const exchange = generateKeyPairSync("x25519").publicKey.export(pem);
  const secret = ed25519.privateKey.export({ type: "pkcs8", format: "pem" });
  for (const publicKeys of [[], ["no key"], [String(weak)], [String(exchange)], [String(secret)]])
    expect(() => trustPolicy({ signature: { publicKeys } })).toThrow(TypeError);
});

test("a pin is of one manifest, and of vmconfig for those without their own; what is pinned needs no signature", () => {
  const [one, other] = [digestOf(bytes), digestOf(bytes, "sha512")];
  const signature = { publicKeys: [String(ed25519.publicKey.export(pem))] };
  const policy = trustPolicy({ pins: { vmconfig: one, vmconfig_knd: other, seeds: other }, signature });
  const names = ["vmconfig_knc", "vmconfig_knd", "seeds", "components", "toString"];
  expect(names.map((name) => policy.pinOf(name))).toEqual([one, other, other, undefined, undefined]);
  expect(names.map((name) => policy.signatureOf(name)?.suffix)).toEqual([
    undefined,
    undefined,
    undefined,
    ".sig",
    ".sig",
  ]);
  requirePin(bytes, one, "m");
  requirePin(bytes, other, "m");
  expect(codeOf(() => requirePin(bytes.subarray(1), one, "m"))).toBe("PIN_MISMATCH");
});

test.for([
  { url: "https://deps.example.org/m.json", trust: {}, code: "none" },
  { url: "http://127.0.0.1:80/m.json", trust: {}, code: "none" },
  { url: "http://[::1]/m.json", trust: {}, code: "none" },
  { url: "http://deps.example.org/m.json", trust: {}, code: "URL_INVALID" },
  { url: "http://127.example.org/m.json", trust: {}, code: "URL_INVALID" },
  { url: "http://deps.example.org/m.json", trust: { allowPlainHttp: true }, code: "none" },
  { url: "http://deps.example.org/m.json", trust: { pins: { m: digestOf(bytes) } }, code: "none" },
  { url: "ftp://deps.example.org/m.json", trust: { allowPlainHttp: true }, code: "URL_INVALID" },
  { url: "/manifests/m.json", trust: {}, code: "URL_INVALID" },
])("a manifest from $url with $trust: $code", ({ url, trust, code }) => {
  expect(codeOf(() => trustPolicy(trust).requireUrl(url, "m"))).toBe(code);
});

test("no message repeats what may be a password, wherever an address breaks off", () => {
  const said = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return String(error);
    }
    return expect.unreachable();
  };
  for (const url of [
    "http://ann:sec?ret@h/a",
    "https://ann:sec#ret@h",
    "ann:sec@h/a",
    "ftp://ann:sec@h/?t=sec",
    "//ann:sec@h",
  ]) {
    expect(said(() => trustPolicy().requireUrl(url, "components"))).not.toContain("sec");
    expect(said(() => requireHttpUrl(url, "runc"))).not.toContain("sec");
  }
});
