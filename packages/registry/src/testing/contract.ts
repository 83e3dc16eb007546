export type { ContractOptions, HomeFeature } from "./contract-support.ts";
export { type DeletableRegistry, type DeleterHome, describeDeleterContract } from "./deleter-contract.ts";
export { describeReaderContract, type ReaderHome } from "./reader-contract.ts";
export { describeWriterContract, type WriterHome } from "./writer-contract.ts";
