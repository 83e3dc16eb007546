import { createHash } from "node:crypto";
import { inspectBundle } from "@tranship/core";
import { MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { escapeHtml, escapeJson } from "./escape-html.ts";
import { reportPage } from "./report-page.ts";

async function aPage(): Promise<string> {
  const registry = new MemoryRegistry();
  seedMemory(registry, "app", [anImage({ tag: "v1" as never })]);
  return reportPage(await inspectBundle(registry), { title: "bundle" });
}

test("equal bundles give equal pages", async () => {
  expect(await aPage()).toBe(await aPage());
});

test("the policy allows the page's own script and style, and nothing else", async () => {
  const page = await aPage();
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? "";
  const sha = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const [, style = ""] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
  const [, script = ""] = /<script>(.*?)<\/script>/s.exec(page) ?? [];
  expect(policy).toBe(
    `default-src 'none'; script-src ${sha(script)}; style-src ${sha(style)}; img-src data:; base-uri 'none'; form-action 'none'`,
  );
  expect(script).not.toMatch(/^(?:import|export) /m);
  expect(page).not.toMatch(/(?:src|href)="(?!data:|#)/);
});

test("text is never markup", () => {
  expect(escapeHtml(`<a href="x" id='y'>&\u202e\0`)).toBe(
    "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;\uFFFD\uFFFD",
  );
  const value = { name: "</script><!--\u2028&" };
  expect(escapeJson(value)).not.toMatch(/[<>&\u2028]/);
  expect(JSON.parse(escapeJson(value))).toEqual(value);
});
