import { ApiError } from "../api-error.ts";
import type { ServerAuth } from "./auth-options.ts";
import { isBasicOf } from "./credentials.ts";
import type { Guard } from "./guard.ts";

/** Wants a user name and a password. @see RFC 7617, "The 'Basic' HTTP Authentication Scheme" */
export function basicGuard({ credentials, anonymous = "none" }: Omit<ServerAuth, "scheme">): Guard {
  return {
    admit: (exchange, wanted) => {
      const sent = exchange.header("authorization");
      if (sent !== undefined && isBasicOf(credentials, sent)) return () => true;
      // whoever brings credentials has to bring the right ones, even where none are needed
      const mayRead = sent === undefined && anonymous === "pull";
      if (mayRead && wanted.every(({ action }) => action === "pull")) return ({ action }) => action === "pull";
      throw basicRefusal();
    },
    refusal: () => basicRefusal(),
  };
}

/** The refusal of a request that brings no credentials, or wrong ones. */
export function basicRefusal(): ApiError {
  const challenge = { "www-authenticate": 'Basic realm="registry", charset="UTF-8"' };
  return new ApiError(401, "UNAUTHORIZED", "credentials are required", challenge);
}
