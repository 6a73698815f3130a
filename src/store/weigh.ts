import type { Asset, AssetFact, Chain, Opening, Transaction } from '../../graph/index.ts'
import type { LedgerBatch } from './chain-store.ts'
import { comparePlaces } from './chain-store.ts'
import {
  accountKey,
  addCoverage,
  type Block,
  blockOfHeader,
  blockOfTransaction,
  checkFollows,
  doubleSpend,
  emptyFacts,
  type FactBook,
  joinAssets,
  joinBlocks,
  joinOpenings,
  joinTransactions,
  outputKey,
  sameBlocks,
} from './rules.ts'

/** What a store holds already, asked while a batch is weighed against it. Nothing is a snapshot here: all of it counts. */
export interface Held {
  /** Every row of an id, oldest first. */
  transactions(chain: Chain, id: string): readonly Transaction[]
  spender(chain: Chain, transaction: string, output: number): string | undefined
  block(chain: Chain, height: number): Block | undefined
  asset(chain: Chain, asset: Asset): AssetFact | undefined
  opening(chain: Chain, asset: Asset, address: string): Opening | undefined
}

/** What a batch changes in one chain, gathered whole before anything is written. */
export interface Change {
  readonly added: Transaction[]
  /** Rows that learnt their block hash. */
  readonly replaced: { readonly before: Transaction; readonly after: Transaction }[]
  /** By output key, the id of the spender: those of the added rows. */
  readonly spenders: Map<string, { readonly transaction: string; readonly output: number; readonly spender: string }>
  readonly blocks: Map<number, Block>
  readonly facts: FactBook
}

/**
 * Holds a batch against the store and against itself, and says what it changes, chain by chain. Fault LEDGER_CONTRADICTS,
 * by the rules of `ChainStore.append`. `blocks` are such as were joined already and still must follow each other. The answer does not depend on the order of the batch, but for which fault comes first.
 */
export function weighBatch(
  batch: LedgerBatch,
  held: Held,
  blocks: ReadonlyMap<Chain, ReadonlyMap<number, Block>> = new Map(),
): Map<Chain, Change> {
  const changes = new Map<Chain, Change>()
  const rowsOf = new Map<Change, Map<string, { before: Transaction | undefined; after: Transaction }[]>>()
  const changeOf = (chain: Chain): Change => {
    let change = changes.get(chain)
    if (change === undefined) {
      change = { added: [], replaced: [], spenders: new Map(), blocks: new Map(), facts: emptyFacts() }
      changes.set(chain, change)
      rowsOf.set(change, new Map())
    }
    return change
  }
  const weighBlock = (change: Change, chain: Chain, height: number, come: Block): void => {
    const before = change.blocks.get(height) ?? held.block(chain, height)
    const joined = joinBlocks(chain, height, before, come)
    if (before === undefined || !sameBlocks(before, joined)) change.blocks.set(height, joined)
  }

  for (const [chain, joined] of blocks) {
    const change = changeOf(chain)
    for (const [height, block] of joined) change.blocks.set(height, block)
  }
  for (const come of batch.transactions) {
    const change = changeOf(come.chain)
    const byId = rowsOf.get(change)!
    let rows = byId.get(come.id)
    if (rows === undefined) {
      rows = held.transactions(come.chain, come.id).map((row) => ({ before: row, after: row }))
      byId.set(come.id, rows)
    }
    let known = false
    for (const row of rows) {
      const joined = joinTransactions(row.after, come)
      if (joined === undefined) continue
      row.after = joined
      known = true
    }
    if (come.height !== undefined) weighBlock(change, come.chain, come.height, blockOfTransaction(come))
    if (known) continue
    rows.push({ before: undefined, after: come })
    if (come.kind !== 'utxo') continue
    for (const { transaction, output } of come.inputs) {
      const key = outputKey(transaction, output)
      const spender = change.spenders.get(key)?.spender ?? held.spender(come.chain, transaction, output)
      if (spender !== undefined && spender !== come.id) throw doubleSpend(come.chain, key, spender, come.id)
      change.spenders.set(key, { transaction, output, spender: come.id })
    }
  }
  for (const [change, byId] of rowsOf) {
    for (const rows of byId.values()) {
      for (const { before, after } of rows) {
        if (before === undefined) change.added.push(after)
        else if (before !== after) change.replaced.push({ before, after })
      }
    }
    change.added.sort(comparePlaces)
  }

  for (const each of batch.blocks ?? []) weighBlock(changeOf(each.chain), each.chain, each.height, blockOfHeader(each))
  for (const [chain, { blocks }] of changes) {
    const blockAt = (height: number) => blocks.get(height) ?? held.block(chain, height)
    for (const height of blocks.keys()) {
      checkFollows(chain, height, blockAt(height - 1), blockAt(height))
      if (!blocks.has(height + 1)) checkFollows(chain, height + 1, blockAt(height), blockAt(height + 1))
    }
  }

  for (const each of batch.assets ?? []) {
    const { assets } = changeOf(each.chain).facts
    assets.set(each.asset, joinAssets(assets.get(each.asset) ?? held.asset(each.chain, each.asset), each))
  }
  for (const each of batch.openings ?? []) {
    const { openings } = changeOf(each.chain).facts
    const key = accountKey(each.asset, each.address)
    openings.set(key, joinOpenings(openings.get(key) ?? held.opening(each.chain, each.asset, each.address), each))
  }
  for (const each of batch.coverage ?? []) addCoverage(changeOf(each.chain).facts, each)
  return changes
}
