import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { reportPage } from "../../packages/cli/src/report-page/report-page.ts";
import { findProgram } from "../support/tools.ts";
import { leastContrast } from "./contrast.ts";
import { hostileName, largeInspection } from "./large-inspection.ts";

const program = findProgram("chromium");
const rows = "#images-body tr";

describe.skipIf(program === undefined)("the report page in chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-page-"));
  const [file, largeFile] = [join(folder, "report.html"), join(folder, "large.html")];
  const told: string[] = [];
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const inspection = largeInspection(6);
    const [first] = inspection.repositories;
    const digest = first?.images[0]?.digest;
    if (!digest) throw new Error("there is no image");
    const changes = {
      against: hostileName,
      diff: {
        repositories: [
          {
            path: "packages/package-00",
            added: [{ tag: hostileName, digest }],
            removed: [{ tag: "v0", digest }],
            moved: [{ tag: "stable", from: digest, to: digest }],
          },
        ],
        new: { blobs: 1, bytes: 1 },
        gone: { blobs: 1, bytes: 1 },
      },
    };
    writeFileSync(file, reportPage(inspection, { title: hostileName, changes }));
    writeFileSync(largeFile, reportPage(largeInspection(50), { title: "2,000 images", changes }));
    browser = await chromium.launch({ executablePath: program ?? "", chromiumSandbox: false });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    page.setDefaultTimeout(5000);
    page.on("console", (message) => told.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => told.push(`error: ${error.message}`));
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) told.push(request.url());
    });
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    told.length = 0;
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(`file://${file}`);
  });

  const textOf = async (selector: string) => (await page.locator(selector).first().textContent()) ?? "";
  const ratio = async () =>
    (await page.evaluate(leastContrast)) as { readonly ratio: number; readonly text: string; readonly colours: string };

  test("opens from a file, asks nobody for anything and stays small with 2,000 images", async () => {
    await page.goto(`file://${largeFile}`);
    expect(told).toEqual([`file://${file}`, `file://${largeFile}`]);
    expect(await page.evaluate("document.querySelectorAll('*').length")).toBeLessThan(4000);
    expect(await page.locator(".tile.repository").count()).toBe(40);
    expect(await page.locator(rows).count()).toBe(100);
    expect(await textOf("#found")).toBe("2,000 images");
  });

  test("hostile names are shown, and are nothing but text", async () => {
    expect(await page.evaluate("[typeof hacked, document.images.length, document.scripts.length]")).toEqual([
      "undefined",
      0,
      2,
    ]);
    expect(await textOf("h1")).toBe(hostileName);
    for (const section of ["changes", "archives", "missing", "failed"]) {
      expect(await page.locator(`#${section}-section`).textContent()).toContain(hostileName);
    }
    await page.locator("#search").fill("artifact");
    expect(await textOf("td.platforms")).toBe(hostileName);
    expect(await page.evaluate("[typeof hacked, document.images.length]")).toEqual(["undefined", 0]);
  });

  test("a search leaves the images that have all its words", async () => {
    await page.locator("#search").fill("package-07 V1.2.");
    expect(await page.locator(rows).count()).toBe(1);
    expect(await textOf(rows)).toContain("packages/package-07v1.2.0");
    expect(await textOf("#found")).toBe("1 of 240 images");
    await page.locator("#search").fill("no such image");
    expect(await page.locator(rows).count()).toBe(0);
    expect(await page.locator("#nothing").isVisible()).toBe(true);
  });

  test("a column sorts, the other way the second time, and more rows come when asked for", async () => {
    await page.locator('[data-order="size"]').click();
    expect(await textOf(`${rows} .repository`)).toBe("packages/package-39");
    expect(await page.locator("#images th.number").first().getAttribute("aria-sort")).toBe("descending");
    await page.locator('[data-order="size"]').click();
    expect(await textOf(`${rows} .repository`)).toBe("packages/package-00");
    await page.locator("#more").click();
    expect(await page.locator(rows).count()).toBe(200);
  });

  test("the keyboard moves over the map, opens and goes back; the focus is seen", async () => {
    await page.locator(".tile").first().focus();
    const first = await page.evaluate("document.activeElement.ariaLabel");
    await page.keyboard.press("ArrowRight");
    expect(await page.evaluate("document.activeElement.ariaLabel")).not.toBe(first);
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("Home");
    expect(await page.evaluate("document.activeElement.ariaLabel")).toBe(first);
    await page.keyboard.press("Enter");
    expect(await textOf("#crumbs .here")).toBe("packages/package-39");
    expect(await page.evaluate("document.activeElement.classList.contains('tile')")).toBe(true);
    await page.keyboard.press("Escape");
    expect(await textOf("#crumbs .here")).toBe("All repositories");
    expect(await page.locator('.tile[tabindex="0"]').count()).toBe(1);
  });

  test("a shared layer says who shares it, an image all it needs", async () => {
    await page.locator(rows).first().locator("button").click();
    expect(await textOf("#crumbs .here")).toBe("packages/package-00");
    await page.locator(".tile.is-shared").first().hover();
    const detail = await textOf("#detail");
    expect(detail).toContain("shared by 240 images in 40 repositories");
    expect(detail).toContain("and 235 more");
    await page
      .locator(".tile.image")
      .first()
      .click({ position: { x: 4, y: 4 } });
    expect(await textOf("#crumbs .here")).toMatch(/^v1\.\d+\.0$/);
    expect(await page.locator(".tile.blob").count()).toBeGreaterThan(2);
    expect(await page.locator(".tile.blob.is-shared").count()).toBe(2);
  });

  test("text can be read in both themes, whoever chose them", async () => {
    const light = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    const inLight = await ratio();
    expect(inLight.ratio, `${inLight.text} ${inLight.colours}`).toBeGreaterThanOrEqual(4.5);
    await page.locator("#theme").click();
    const dark = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(dark).not.toBe(light);
    const inDark = await ratio();
    expect(inDark.ratio, `${inDark.text} ${inDark.colours}`).toBeGreaterThanOrEqual(4.5);
    await page.locator("#theme").click();
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(light);
    await page.evaluate("localStorage.clear()");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.reload();
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(dark);
    expect(await textOf("#theme")).toBe("Light");
  });

  test("a narrow window cuts nothing off, and print has every image in light colours", async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await page.evaluate("document.scrollingElement.scrollWidth")).toBe(400);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: "dark", media: "print" });
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator(rows).count()).toBe(240);
    await page.emulateMedia({ media: "screen" });
  });
});
