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
  /** What may be done without credentials. @defaultValue "none" */
  readonly anonymous?: "none" | "pull" | undefined;
  /** How long a bearer token is good, in seconds. @defaultValue 300 */
  readonly tokenSeconds?: number | undefined;
}
