/**
 * Any registry, spoken over the distribution API: {@link startServer}.
 * @packageDocumentation
 */

export type { ServerAuth } from "./auth/auth-options.ts";
export type { BasicCredentials } from "./auth/credentials.ts";
export type { CloseOptions } from "./close-server.ts";
export type { ServedFile, ServedFiles } from "./files.ts";
export {
  type Answer,
  type AnswerHead,
  type AnswerHeaders,
  type BodyTransform,
  ConnectionCut,
  type Interception,
  type ServedRequest,
} from "./served-request.ts";
export type { ServerOptions, ServerTls } from "./server-options.ts";
export { type RegistryServer, startServer } from "./start-server.ts";
