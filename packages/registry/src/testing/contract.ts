/**
 * The tests that every home of content has to pass, for vitest: {@link describeReaderContract} for all, the other two for
 * those that can be written to and deleted from.
 * @packageDocumentation
 */

export type { ContractOptions, HomeFeature } from "./contract-support.ts";
export { type DeletableRegistry, type DeleterHome, describeDeleterContract } from "./deleter-contract.ts";
export { describeReaderContract, type ReaderHome } from "./reader-contract.ts";
export { describeWriterContract, type WriterHome } from "./writer-contract.ts";
