import { BLOCKS, branchOf, printTransaction, TRANSACTIONS } from './bitcoin/fake-chain.ts'

const PAGE = 10
type Printed = {
  txid: string
  vin: { txid: string; vout: number; prevout: { value: number; scriptpubkey_address?: string } | null }[]
  vout: { value: number; scriptpubkey_address?: string }[]
}

/** What a true Esplora server says of the small chain of our own; undefined: 404. */
export function tellEsplora(path: string): unknown {
  const [, kind, name, what, more, last] = path.split('/')
  const block = BLOCKS.find(({ hash }) => hash === name)
  const found = TRANSACTIONS.get(name)
  const printed = [...TRANSACTIONS.values()].map((each) => printTransaction(each) as unknown as Printed)
  if (path === '/blocks/tip/hash') return BLOCKS[BLOCKS.length - 1].hash
  if (kind === 'block-height') return BLOCKS[Number(name)]?.hash
  if (kind === 'block' && block !== undefined) {
    if (what === 'header') return block.header.toString('hex')
    if (what === 'txid') return block.transactions[Number(more)]?.id
    return { id: block.hash, height: BLOCKS.indexOf(block), timestamp: block.time, previousblockhash: block.previous }
  }
  if (kind === 'tx' && found !== undefined) {
    if (what === 'hex') return found.bytes.toString('hex')
    if (what === 'merkle-proof') {
      return { block_height: found.height, merkle: branchOf(BLOCKS[found.height], found.index), pos: found.index }
    }
    if (what === 'outspend') {
      const spender = printed.find(({ vin }) => vin.some(({ txid, vout }) => txid === name && vout === Number(more)))
      return spender === undefined ? { spent: false } : { spent: true, txid: spender.txid, vin: 0 }
    }
    return printTransaction(found)
  }
  if (kind === 'address') {
    const mine = (leg: { scriptpubkey_address?: string } | null) => leg?.scriptpubkey_address === name
    const all = printed.reverse().filter(({ vin, vout }) => vout.some(mine) || vin.some(({ prevout }) => mine(prevout)))
    if (what === 'txs') {
      const from = last === undefined ? 0 : all.findIndex(({ txid }) => txid === last) + 1
      return all.slice(from, from + PAGE)
    }
    const sum = (legs: ({ value: number; scriptpubkey_address?: string } | null)[]): number =>
      legs.reduce((total, leg) => total + (mine(leg) ? leg!.value : 0), 0)
    return {
      address: name,
      chain_stats: {
        tx_count: all.length,
        funded_txo_sum: sum(all.flatMap(({ vout }) => vout)),
        spent_txo_sum: sum(all.flatMap(({ vin }) => vin.map(({ prevout }) => prevout))),
      },
    }
  }
  return undefined
}
