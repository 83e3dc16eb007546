import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CertificateAuthority } from "../../support/certificates.ts";
import { type ServerProgram, startServerProgram } from "../../support/server-program.ts";

/** A second `docker-registry` over the content of another one, with a certificate of a made-up authority. */
export interface TlsFront extends AsyncDisposable {
  readonly host: string;
  /** The authority's certificate, PEM, alone in its folder. */
  readonly caFile: string;
}

/** Serves what lies in `directory` over TLS; the authority's certificate is written into `folder`. */
export async function startTlsFront(directory: string, folder: string): Promise<TlsFront> {
  using authority = new CertificateAuthority();
  const caFile = join(folder, "ca.crt");
  writeFileSync(caFile, authority.cert);
  const { cert, key } = authority.issue({ altNames: "IP:127.0.0.1" });
  const server: ServerProgram = await startServerProgram(
    "docker-registry",
    ({ folder: own, port }) => {
      const [config, certFile, keyFile] = [join(own, "config.yml"), join(own, "tls.crt"), join(own, "tls.key")];
      writeFileSync(certFile, cert);
      writeFileSync(keyFile, key);
      const configuration = {
        version: 0.1,
        log: { level: "error", accesslog: { disabled: true } },
        storage: { filesystem: { rootdirectory: directory, maxthreads: 100 } },
        http: { addr: `127.0.0.1:${port}`, tls: { certificate: certFile, key: keyFile } },
      };
      writeFileSync(config, JSON.stringify(configuration)); // JSON is YAML too
      return ["serve", config];
    },
    ({ status }) => status === 400, // what a server of TLS says to plain HTTP
  );
  return { host: server.host, caFile, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
