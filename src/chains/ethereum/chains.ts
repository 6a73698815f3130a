import type { Chain } from '../../../graph/index.ts'

/** What is known of an EVM network beforehand. */
export interface EvmChain {
  readonly chain: Chain
  /** As `eth_chainId` answers (EIP-155). */
  readonly id: number
  /**
   * Whether its headers, transactions and receipts are encoded as Ethereum's are (Yellow Paper 4.3 and the EIPs that
   * added fields), so that block hashes and both roots can be computed. Where not, hashes are only held to each other.
   */
  readonly provable: boolean
  /** How people write its coin. */
  readonly symbol: string
}

const network = (id: number, chain: Chain, symbol: string, provable = false): EvmChain => ({
  id,
  chain,
  symbol,
  provable,
})

/** Networks by EIP-155 chain id, as the public list at chainid.network has them. */
const CHAINS: readonly EvmChain[] = [
  network(1, 'ethereum', 'ETH', true),
  network(11155111, 'ethereum-sepolia', 'ETH', true),
  network(17000, 'ethereum-holesky', 'ETH', true),
  network(560048, 'ethereum-hoodi', 'ETH', true),
  network(61, 'ethereum-classic', 'ETC', true),
  network(56, 'bsc', 'BNB', true),
  network(97, 'bsc-chapel', 'tBNB', true),
  network(137, 'polygon', 'POL'),
  network(80002, 'polygon-amoy', 'POL'),
  network(42161, 'arbitrum', 'ETH'),
  network(10, 'optimism', 'ETH'),
  network(43114, 'avalanche', 'AVAX'),
  network(43113, 'avalanche-fuji', 'AVAX'),
  network(250, 'fantom', 'FTM'),
  network(8453, 'base', 'ETH'),
  network(100, 'gnosis', 'xDAI'),
  network(59144, 'linea', 'ETH'),
  network(534352, 'scroll', 'ETH'),
  network(324, 'zksync', 'ETH'),
  network(42220, 'celo', 'CELO'),
  network(1284, 'moonbeam', 'GLMR'),
  network(25, 'cronos', 'CRO'),
  network(81457, 'blast', 'ETH'),
  network(5000, 'mantle', 'MNT'),
  network(31337, 'eip155:31337', 'ETH', true),
]

/** A network by our name for it or by its CAIP-2 id (`eip155:1`); one that is not in the list is known by its id alone. */
export function findEvmChain(chain: Chain): EvmChain | undefined {
  const named = CHAINS.find((each) => each.chain === chain || `eip155:${each.id}` === chain)
  if (named !== undefined) return { ...named, chain }
  const id = /^eip155:([1-9]\d{0,14})$/.exec(chain)?.[1]
  return id === undefined ? undefined : { chain, id: Number(id), provable: false, symbol: 'native' }
}

/** Our name for an EIP-155 chain id. */
export function evmChainOfId(id: number): Chain {
  return CHAINS.find((each) => each.id === id)?.chain ?? `eip155:${id}`
}
