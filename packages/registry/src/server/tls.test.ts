import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectTo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { describe, expect, test } from "vitest";
import { startTestRegistry } from "../testing/index.ts";

const openssl = "openssl"; // of the machine, not of a package
const isInstalled = spawnSync(openssl, ["version"]).status === 0;
if (!isInstalled) console.warn("server/tls: skipped, openssl is not installed");

/** A certificate for this machine's own address that vouches for itself, with its key. */
function aCertificate(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "server-tls-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    execFileSync(openssl, ["req", "-x509", ...curve, "-keyout", key, "-out", cert, ...names], { stdio: "ignore" });
    return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function statusOf(url: string, connect: { ca?: string; cert?: string; key?: string }): Promise<number> {
  const dispatcher = new Agent({ connect });
  try {
    const answer = await request(`${url}/v2/`, { dispatcher });
    await answer.body.dump();
    return answer.statusCode;
  } finally {
    await dispatcher.close();
  }
}

describe.skipIf(!isInstalled)("a server with a certificate", () => {
  test("speaks HTTPS, to who trusts it", async () => {
    const { cert, key } = aCertificate();
    await using registry = await startTestRegistry({ tls: { cert, key } });
    expect(registry.url).toBe(`https://${registry.host}`);
    expect(await statusOf(registry.url, { ca: cert })).toBe(200);
    await expect(statusOf(registry.url, {})).rejects.toThrow("self-signed certificate");
    await expect(statusOf(`http://${registry.host}`, {})).rejects.toThrow();
  });

  test("names itself in challenges as it is spoken to", async () => {
    const { cert, key } = aCertificate();
    const auth = { scheme: "bearer", credentials: { username: "ann", password: "x" } } as const;
    await using registry = await startTestRegistry({ tls: { cert, key }, auth });
    const dispatcher = new Agent({ connect: { ca: cert } });
    const answer = await request(`${registry.url}/v2/`, { dispatcher });
    await answer.body.dump();
    expect(answer.headers["www-authenticate"]).toContain(`realm="https://${registry.host}/token"`);
    await dispatcher.close();
  });

  test("closes on who connects and says nothing", async () => {
    const registry = await startTestRegistry({ tls: aCertificate() });
    const [hostname, port] = registry.host.split(":");
    const silent = connectTo(Number(port), hostname).resume();
    const ended = once(silent, "close");
    await once(silent, "connect");
    await statusOf(registry.url, {}).catch(() => undefined); // whoever came before is known by now
    await registry[Symbol.asyncDispose]();
    await ended;
  });

  test("can want one from its clients", async () => {
    const [own, ann, eve] = [aCertificate(), aCertificate(), aCertificate()];
    await using registry = await startTestRegistry({ tls: { cert: own.cert, key: own.key, clientCa: ann.cert } });
    expect(await statusOf(registry.url, { ca: own.cert, ...ann })).toBe(200);
    await expect(statusOf(registry.url, { ca: own.cert })).rejects.toThrow();
    await expect(statusOf(registry.url, { ca: own.cert, ...eve })).rejects.toThrow();
    expect(registry.requests()).toHaveLength(1);
  });
});
