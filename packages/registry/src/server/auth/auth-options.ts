import type { BasicCredentials } from "./credentials.ts";

/** Who is let in to a server, and how they prove who they are. */
export interface ServerAuth {
  /**
   * `basic`: credentials come with every request. `bearer`: tokens do, which the server gives for credentials at
   * `/token`, each for the scopes it was asked for.
   * @see distribution "Token Authentication Specification"
   */
  readonly scheme: "basic" | "bearer";
  /** Those of the one user there is, who may do everything. */
  readonly credentials: BasicCredentials;
  /**
   * What may be done without credentials. Clients such as docker, podman and skopeo learn from `GET /v2/` whether to show theirs:
   * with `pull`, `basic` lets them read without and so never asks; where they push too, take `bearer`. @defaultValue "none"
   */
  readonly anonymous?: "none" | "pull" | undefined;
  /** How long a bearer token is good, in seconds. @defaultValue 300 */
  readonly tokenSeconds?: number | undefined;
}
