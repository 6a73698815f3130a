/** The one door into this room: EVM chains to `Transaction`s. */
export { AccountApi, type AccountApiOptions } from './account-api.ts'
export { EvmIndex, type EvmIndexOptions } from './block-index.ts'
export { type EvmChain, evmChainOfId, findEvmChain } from './chains.ts'
export { EvmRpc, type EvmRpcOptions } from './rpc.ts'
