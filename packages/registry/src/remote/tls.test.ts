import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { createRegistry } from "./create-registry.ts";

const openssl = "openssl"; // of the machine, not of a package
const isInstalled = spawnSync(openssl, ["version"]).status === 0;
if (!isInstalled) console.warn("remote/tls: skipped, openssl is not installed");

describe.skipIf(!isInstalled)("a registry over TLS", () => {
  let server: Server;
  let place: string;
  let ca: string;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "tranship-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert];
    execFileSync(openssl, ["req", "-x509", ...options, ...subject], { stdio: "ignore" });
    ca = readFileSync(cert, "utf8");
    server = createServer({ key: readFileSync(key), cert: ca }, (_request, response) => {
      response.setHeader("content-length", "5");
      response.end();
    });
    rmSync(folder, { recursive: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    place = `localhost:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function stat(options: Parameters<typeof createRegistry>[1]) {
    await using registry = createRegistry(place, { insecure: false, ...options });
    return await registry.repository("app").statBlob(digestOf(new Uint8Array(5)));
  }

  test("is refused with a certificate nobody vouches for, at the first try", async () => {
    await expect(stat({ retryDelayMs: 60_000 })).rejects.toMatchObject({
      code: "TLS",
      details: { reason: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
  });

  test("is trusted by the certificate it was given", async () => {
    expect(await stat({ ca })).toEqual({ size: 5 });
  });

  test("is not asked for its certificate when told so", async () => {
    expect(await stat({ tlsSkipVerify: true })).toEqual({ size: 5 });
  });
});
