import { digestOf } from "@tranship/registry";
import { expect, test } from "vitest";
import type { Section } from "../../plan/section.ts";
import { identifyArchive } from "./standing-archive.ts";

const blob = { digest: digestOf(new Uint8Array(1)), size: 2 ** 33, mediaType: "application/octet-stream" };
const section: Section = { repositories: [{ path: "app", source: "host/app", images: [], blobs: [blob] }] };

test.for([
  { name: "to nothing", bytes: [0, 700, 700] },
  { name: "to one byte", bytes: [1, 700, 700] },
  { name: "to as little as the others", bytes: [1, 1, 1] },
])("an archive of 8 GiB whose first chunk was cut off $name is told without a name for each byte", ({ bytes }) => {
  const parts = bytes.map((size, chunk) => ({ name: `app.tar.000${chunk}.chunk`, chunk, bytes: size }));
  expect(identifyArchive("/nowhere", { archive: "app.tar", sections: [section] }, parts)).toBeUndefined();
});
