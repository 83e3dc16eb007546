import { describe, expect, test } from "vitest";
import { anArtifact, anImage, startTestRegistry, type TestRegistry } from "../testing/index.ts";

const image = anImage({ tag: "v1" });
const { digest } = image.manifest.descriptor;
const types = ["application/x.one", "application/x.two"] as const;
const artifacts = Array.from({ length: 9 }, (_, at) =>
  anArtifact({ subject: image, artifactType: types[at % 2 === 0 ? 0 : 1], content: `artifact ${at}` }),
);

interface Page {
  readonly digests: readonly string[];
  readonly filters: string | null;
  readonly bytes: number;
}

/** All pages of a subject's referrers, followed link by link. */
async function pagesOf(registry: TestRegistry, query = ""): Promise<Page[]> {
  const pages: Page[] = [];
  let next: string | undefined = `/v2/app/referrers/${digest}${query}`;
  while (next !== undefined) {
    const answer: Response = await fetch(registry.url + next);
    const text = await answer.text();
    const { manifests } = JSON.parse(text) as { manifests: { digest: string }[] };
    const filters = answer.headers.get("oci-filters-applied");
    pages.push({ digests: manifests.map((entry) => entry.digest), filters, bytes: text.length });
    next = /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  return pages;
}

function digestsOf(things: readonly { readonly manifest: { readonly descriptor: { readonly digest: string } } }[]) {
  return things.map(({ manifest }) => manifest.descriptor.digest).sort();
}

describe("referrers", () => {
  test.for([
    { query: "", sizes: [4, 4, 1] },
    { query: "?n=5", sizes: [4, 4, 1] },
    { query: "?n=3", sizes: [3, 3, 3] },
  ])("come page by page, each once, for $query", async ({ query, sizes }) => {
    await using registry = await startTestRegistry({ maxPageSize: 4 });
    registry.seed("app", image, ...artifacts);
    const pages = await pagesOf(registry, query);
    expect(pages.map(({ digests }) => digests.length)).toEqual(sizes);
    expect(pages.flatMap(({ digests }) => digests)).toEqual(digestsOf(artifacts));
    expect(pages.map(({ filters }) => filters)).toEqual(sizes.map(() => null));
  });

  test("of one type stay of that type from page to page", async () => {
    await using registry = await startTestRegistry({ maxPageSize: 2 });
    registry.seed("app", image, ...artifacts);
    const pages = await pagesOf(registry, `?artifactType=${encodeURIComponent(types[0])}`);
    expect(pages.map(({ digests, filters }) => [digests.length, filters])).toEqual([
      [2, "artifactType"],
      [2, "artifactType"],
      [1, "artifactType"],
    ]);
    expect(pages.flatMap(({ digests }) => digests)).toEqual(digestsOf(artifacts.filter((_, at) => at % 2 === 0)));
  });

  test("make no page that is too large to read", async () => {
    await using registry = await startTestRegistry();
    const large = Array.from({ length: 3 }, (_, at) =>
      anArtifact({ subject: image, artifactType: types[0], annotations: { filler: `${at}`.repeat(2_000_000) } }),
    );
    registry.seed("app", image, ...large);
    const pages = await pagesOf(registry);
    expect(pages.map(({ digests }) => digests.length)).toEqual([2, 1]);
    expect(Math.max(...pages.map(({ bytes }) => bytes))).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(pages.flatMap(({ digests }) => digests)).toEqual(digestsOf(large));
  });

  test("cannot be listed where a server does as old ones do, and no push says otherwise", async () => {
    await using registry = await startTestRegistry({ referrersApi: false });
    registry.seed("app", image);
    const [artifact] = artifacts;
    const { mediaType = "" } = artifact?.manifest.descriptor ?? {};
    const body = new Uint8Array(artifact?.manifest.bytes ?? []);
    const url = `${registry.url}/v2/app/manifests/signature`;
    const pushed = await fetch(url, { method: "PUT", headers: { "content-type": mediaType }, body });
    expect([pushed.status, pushed.headers.get("oci-subject")]).toEqual([201, null]);
    expect((await fetch(`${registry.url}/v2/app/referrers/${digest}`)).status).toBe(404);
  });
});
