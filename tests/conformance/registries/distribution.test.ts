import {
  describeDeleterContract,
  describeReaderContract,
  describeWriterContract,
} from "@tranship/registry/testing/contract";
import { describe } from "vitest";
import { aDockerHome } from "../../support/docker-home.ts";
import { goTool } from "../../support/go-tools.ts";

const { path, missing } = await goTool("registry");
if (missing !== undefined) throw new Error(missing);

describe("against distribution 3", () => {
  // stores by sha256 only; deletes tags, which 2.8 does not, and has no referrers API either
  const without = ["sha512"] as const;
  const aHome = () => aDockerHome(path);
  describeReaderContract("distribution 3 through createRegistry", aHome, { without });
  describeWriterContract("distribution 3 through createRegistry", aHome, { without });
  describeDeleterContract("distribution 3 through createRegistry", aHome, { without });
});
