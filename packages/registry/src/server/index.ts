export type { BasicCredentials } from "./base.ts";
export {
  type Answer,
  type AnswerHead,
  type BodyTransform,
  ConnectionCut,
  type Headers,
  type Interception,
  type ServedRequest,
} from "./served-request.ts";
export { type RegistryServer, type ServerOptions, startServer } from "./start-server.ts";
