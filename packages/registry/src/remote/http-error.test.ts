import { describe, expect, test } from "vitest";
import type { RegistryErrorCode } from "../errors.ts";
import { httpError } from "./http-error.ts";

const operation = { registry: "host", reference: "host/app:v1", what: "read manifest host/app:v1" };

function failed(status: number, body = "", headers: Record<string, string> = {}, host = "host") {
  return httpError({ status, headers, host, body: new TextEncoder().encode(body) }, operation);
}

test.for<[number, RegistryErrorCode]>([
  [400, "UNEXPECTED_STATUS"],
  [401, "UNAUTHORIZED"],
  [403, "FORBIDDEN"],
  [404, "NOT_FOUND"],
  [408, "SERVER_ERROR"],
  [418, "UNEXPECTED_STATUS"],
  [429, "RATE_LIMITED"],
  [500, "SERVER_ERROR"],
  [503, "SERVER_ERROR"],
])("%s is %s", ([status, code]) => {
  expect(failed(status).code).toBe(code);
});

describe("a 400 to plain HTTP", () => {
  const plain = (body: string, headers = {}) => {
    return httpError({ status: 400, headers, host: "host", isPlain: true, body: Buffer.from(body) }, operation);
  };

  test.for([
    "Client sent an HTTP request to an HTTPS server.\n",
    "<html>The plain HTTP request was sent to HTTPS port",
    "",
  ])("comes from a server for TLS when no registry speaks in it: %j", (body) => {
    expect(plain(body)).toMatchObject({ code: "PROTOCOL", details: { reason: "TLS_EXPECTED" } });
  });

  test("is the registry's own when it says so", () => {
    expect(plain('{"errors":[{"code":"NAME_INVALID"}]}').code).toBe("UNEXPECTED_STATUS");
    expect(plain("", { "docker-distribution-api-version": "registry/2.0" }).code).toBe("UNEXPECTED_STATUS");
    expect(plain("", { "content-type": "application/json; charset=utf-8" }).code).toBe("UNEXPECTED_STATUS"); // to a HEAD
  });
});

describe("an answer's errors[]", () => {
  test("are told in the message and kept in the details", () => {
    const body = JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required", detail: {} }] });
    const error = failed(401, body);
    expect(error.message).toBe("cannot read manifest host/app:v1: 401 Unauthorized: authentication required");
    expect(error.details).toMatchObject({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] });
  });

  test("are kept when there is something else among them", () => {
    const error = failed(403, '{"errors":[null,"no",{"code":"DENIED","message":"requested access is denied"}]}');
    expect(error.message).toMatch(/requested access is denied$/);
    expect(error.details).toMatchObject({ errors: [{ code: "DENIED", message: "requested access is denied" }] });
  });

  test.for([
    "<html><body>502 Bad Gateway</body></html>",
    "",
    "{",
    "null",
    '{"errors":"none"}',
    '{"errors":[1,null]}',
    "\u0000\uffff",
  ])("are left out when the body is %j", (body) => {
    const error = failed(502, body);
    expect(error.message).toBe("cannot read manifest host/app:v1: 502 Bad Gateway");
    expect(error.details).not.toHaveProperty("errors");
  });

  test("are bounded, and fit for a terminal", () => {
    const errors = Array.from({ length: 50 }, () => ({ code: 7, message: `\u001b[31m${"x".repeat(5000)}\n` }));
    const error = failed(400, JSON.stringify({ errors }));
    const { errors: kept } = error.details as { errors: readonly { code: string; message: string }[] };
    expect(kept).toHaveLength(10);
    expect(kept[0]?.code).toBe("UNKNOWN");
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(500);
  });
});

test("Retry-After goes with 429 and 5xx", () => {
  expect(failed(429, "", { "retry-after": "7" }).details).toMatchObject({ retryAfterMs: 7000 });
  expect(failed(503, "", { "retry-after": "1" }).details).toMatchObject({ retryAfterMs: 1000 });
  expect(failed(429, "", { "retry-after": "soon" }).details).not.toHaveProperty("retryAfterMs");
});

test("an answer from elsewhere says from where", () => {
  expect(failed(403, "", {}, "storage.example").message).toContain("403 Forbidden from storage.example");
});
