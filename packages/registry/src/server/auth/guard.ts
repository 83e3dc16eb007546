import type { ApiError } from "../api-error.ts";
import type { Exchange } from "../exchange.ts";
import type { Access, Grant } from "./access.ts";

/** Decides who may do what. */
export interface Guard {
  /**
   * Lets a request pass that may do all it wants; gives what else it may.
   * @throws ApiError `UNAUTHORIZED`, `DENIED`
   */
  admit(exchange: Exchange, wanted: readonly Access[]): Grant;
  /** How a request is refused that wants this. */
  refusal(exchange: Exchange, wanted: readonly Access[]): ApiError;
}
