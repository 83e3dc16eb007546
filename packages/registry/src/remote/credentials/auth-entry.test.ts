import fc from "fast-check";
import { expect, test } from "vitest";
import { isRegistryError } from "../../errors.ts";
import { credentialsOfEntry, decodeAuth } from "./auth-entry.ts";
import { matchesAuthKey, parseAuthKey } from "./auth-key.ts";

test("a user name and a password survive being encoded, whatever is in them", () => {
  const username = fc.string({ unit: "binary" }).filter((name) => !name.includes(":") && name.isWellFormed());
  const password = fc.string({ unit: "binary" }).filter((word) => !word.endsWith("\0") && word.isWellFormed());
  fc.assert(
    fc.property(username, password, (name, word) => {
      const auth = Buffer.from(`${name}:${word}`).toString("base64");
      if (auth.trim() === "") return;
      expect(decodeAuth(auth, "test")).toEqual({ username: name, password: word });
    }),
  );
});

test("an auth may be broken into lines, as base64(1) leaves long ones", () => {
  const password = "x".repeat(200);
  const lines = Buffer.from(`user:${password}`).toString("base64").replace(/.{76}/g, "$&\r\n");
  expect(decodeAuth(`${lines}\n`, "test")).toEqual({ username: "user", password });
});

test("an auth is decoded or refused, and never anything else", () => {
  const anything = fc.oneof(fc.string({ unit: "binary" }), fc.base64String(), fc.uint8Array().map(toBase64));
  fc.assert(
    fc.property(anything, anything, (auth, identitytoken) => {
      try {
        const found = credentialsOfEntry({ auth, identitytoken }, "test");
        expect(found === undefined || "identityToken" in found || "password" in found).toBe(true);
      } catch (error) {
        expect(isRegistryError(error, "CREDENTIALS_UNUSABLE")).toBe(true);
      }
    }),
  );
});

test("any key is parsed, and one for another host never matches", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const key = parseAuthKey(text);
      if (!text.toLowerCase().includes("host.example")) expect(matchesAuthKey(key, "host.example", "a/b")).toBe(false);
    }),
  );
});

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
