import type { ConformanceSuite } from "./suite.ts";

const conformance = "github.com/opencontainers/distribution-spec/conformance";

/** The four workflows of 1.1: pull, push, content discovery and content management. */
const workflows: ConformanceSuite = {
  name: "workflows",
  build: ["test", "-c", conformance],
  args: ["-ginkgo.no-color"],
  settings: ({ host, credentials, mountsUnasked, reports }) => ({
    OCI_ROOT_URL: `http://${host}`,
    OCI_NAMESPACE: "conformance/one",
    OCI_CROSSMOUNT_NAMESPACE: "conformance/two",
    OCI_AUTOMATIC_CROSSMOUNT: mountsUnasked ? "1" : "0", // it tests one or the other
    OCI_TEST_PULL: "1",
    OCI_TEST_PUSH: "1",
    OCI_TEST_CONTENT_DISCOVERY: "1",
    OCI_TEST_CONTENT_MANAGEMENT: "1",
    OCI_DEBUG: "0",
    OCI_REPORT_DIR: reports,
    ...(credentials && { OCI_USERNAME: credentials.username, OCI_PASSWORD: credentials.password }),
  }),
};

/** Its successor: each request of the API with each kind of content, and what the next version adds. */
const apis: ConformanceSuite = {
  name: "apis",
  build: ["build", "-trimpath", conformance],
  args: [],
  settings: ({ host, credentials, reports }) => ({
    OCI_VERSION: "dev",
    OCI_REGISTRY: host,
    OCI_TLS: "disabled",
    OCI_REPO1: "conformance/one",
    OCI_REPO2: "conformance/two",
    OCI_DATA_SPARSE: "true",
    OCI_RESULTS_DIR: reports,
    ...(credentials && { OCI_USERNAME: credentials.username, OCI_PASSWORD: credentials.password }),
  }),
};

/** All suites, the older one first. */
export const suites: readonly ConformanceSuite[] = [workflows, apis];
