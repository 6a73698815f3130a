/** The one door into this room: raw data of Bitcoin and its kin to `Transaction`s. */
export { checkBitcoinAddress, scriptToAddress } from './address.ts'
export { type BlockOptions, type DecodedBlock, decodeBlock, transactionId } from './block.ts'
export {
  BlockFiles,
  type BlockFilesOptions,
  type BlockFilesSummary,
  type BlockPosition,
  type ReadBlock,
} from './block-files.ts'
export { Esplora, type EsploraOptions, type Tip } from './esplora.ts'
export { CHAIN_PARAMS, type ChainParams, getChainParams } from './params.ts'
export { decodeRawTransaction, type RawTransaction } from './raw-transaction.ts'
export { BitcoinRpc, type BitcoinRpcOptions } from './rpc.ts'
export {
  type AssumedAmount,
  type BlockInput,
  type BlockTransactions,
  blockInputs,
  type MissingAmounts,
  toTransactions,
} from './transactions.ts'
export { decodeBlockUndo, decodeSpentOutputs, type Prevouts } from './undo.ts'
