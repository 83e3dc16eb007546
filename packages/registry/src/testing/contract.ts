export type { ContractOptions, HomeFeature } from "./contract-support.ts";
export { describeReaderContract, type ReaderHome } from "./reader-contract.ts";
export { describeWriterContract, type WriterHome } from "./writer-contract.ts";
