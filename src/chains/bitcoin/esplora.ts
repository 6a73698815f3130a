import { LRUCache } from 'lru-cache'
import type { Chain, Input, UtxoTransaction } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { type Answer, type HttpSource, parseJson } from '../http.ts'
import { checkBitcoinAddress, scriptToAddress } from './address.ts'
import {
  contradicts,
  hexBytes,
  isHash,
  type ProvenHeader,
  proveHeader,
  proveInclusion,
  proveTransaction,
  record,
  spentOutput,
  toLedger,
  wholeNumber,
} from './proving.ts'
import type { RawTransaction } from './raw-transaction.ts'

export interface EsploraOptions {
  readonly chain: Chain
  readonly http: HttpSource
  /** Most transactions of one address; more is a fault `LIMIT_EXCEEDED`. Default 100,000. */
  readonly transactionsMax?: number
}

/** The newest block a source knows. */
export interface Tip {
  readonly height: number
  readonly hash: string
  /** Seconds since the epoch. */
  readonly time: number
}

/** A transaction as Esplora prints it, fields proved to be of their kinds, nothing believed yet. */
interface Printed {
  readonly id: string
  readonly inputs: readonly {
    readonly transaction: string
    readonly output: number
    readonly script: string
    readonly address: string | undefined
    readonly amount: bigint
  }[]
  readonly outputs: readonly {
    readonly script: string
    readonly address: string | undefined
    readonly amount: bigint
  }[]
  readonly fee: bigint
  /** Undefined while it waits for a block. */
  readonly block: { readonly height: number; readonly hash: string; readonly time: number } | undefined
}

const TRANSACTIONS_MAX = 100_000
const MADE_TRANSACTIONS_KEPT = 2_000
const HEADERS_KEPT = 10_000

/**
 * An Esplora server (blockstream.info, mempool.space, one's own electrs), asked and not believed. A transaction is taken
 * from its raw bytes, whose hash is its id; what its inputs held from the raw bytes of the transactions that made them; its
 * place from the Merkle branch up to a header whose hash and work hold. What the server prints beside that has to agree.
 *
 * What it could still hide is a transaction it never names; of an address it must at least hide it from its own sums too.
 * Heights are as the server says. Faults: `SOURCE_UNAVAILABLE`, `SOURCE_CONTRADICTS`, `LIMIT_EXCEEDED`.
 */
export class Esplora {
  readonly #chain: Chain
  readonly #http: HttpSource
  readonly #transactionsMax: number
  readonly #makers = new LRUCache<string, Promise<RawTransaction>>({ max: MADE_TRANSACTIONS_KEPT })
  readonly #headers = new LRUCache<string, Promise<ProvenHeader>>({ max: HEADERS_KEPT })

  constructor(options: EsploraOptions) {
    this.#chain = options.chain
    this.#http = options.http
    this.#transactionsMax = options.transactionsMax ?? TRANSACTIONS_MAX
  }

  /** The newest block, its header proven. */
  async tip(): Promise<Tip> {
    const hash = text(await this.#http.get('/blocks/tip/hash'))
    if (!isHash(hash)) throw contradicts('the hash of the newest block is not 64 hexadecimal digits')
    const block = record(parseJson((await this.#http.get(`/block/${hash}`)).body))
    const height = wholeNumber(block?.height)
    if (block?.id !== hash || height === undefined) throw contradicts(`block ${hash} came without its hash or height`)
    const header = await this.#header(hash)
    if (block.timestamp !== header.time) throw contradicts(`block ${hash}: its time is not the header's`)
    return { height, hash, time: header.time }
  }

  /** A transaction, proven; undefined where the server does not know it or it waits for a block. */
  async transaction(id: string): Promise<UtxoTransaction | undefined> {
    if (!isHash(id)) throw new Fault('REQUEST_INVALID', `${JSON.stringify(id)} is not a transaction id`)
    const answer = await this.#http.get(`/tx/${id}`, [404])
    if (answer.status === 404) return undefined
    const printed = readPrinted(parseJson(answer.body), `transaction ${id}`)
    if (printed.id !== id) throw contradicts(`transaction ${id} was asked for, ${printed.id} came`)
    return printed.block === undefined ? undefined : this.#prove(printed, printed.block)
  }

  /**
   * Every transaction in a block that pays an address or spends from it, newest first, each proven. They are all that
   * the server counts: number and sums agree with what it says of the address, no page or transaction came twice.
   */
  async addressTransactions(address: string): Promise<readonly UtxoTransaction[]> {
    const canonical = checkBitcoinAddress(this.#chain, address)
    if (canonical === undefined) {
      throw new Fault('ADDRESS_INVALID', `${JSON.stringify(address)} is not an address of ${this.#chain}`)
    }
    const seen = new Set<string>()
    const transactions: UtxoTransaction[] = []
    let paid = 0n
    let spent = 0n
    let heightBefore = Number.MAX_SAFE_INTEGER
    for (let last = ''; ; ) {
      const page = parseJson((await this.#http.get(`/address/${canonical}/txs/chain${last}`)).body)
      if (!Array.isArray(page)) throw contradicts(`the transactions of ${canonical} are not a list`)
      if (page.length === 0) break
      const proofs: (() => Promise<UtxoTransaction>)[] = []
      for (const value of page) {
        const printed = readPrinted(value, `a transaction of ${canonical}`)
        const { id, block } = printed
        if (seen.has(id))
          throw contradicts(`transaction ${id} of ${canonical} came twice: a page repeats or its cursor loops`)
        if (seen.size >= this.#transactionsMax) {
          throw new Fault('LIMIT_EXCEEDED', `${canonical} has more than ${this.#transactionsMax} transactions`)
        }
        seen.add(id)
        if (block === undefined) throw contradicts(`transaction ${id} is listed as in a block and is in none`)
        if (block.height > heightBefore)
          throw contradicts(`the transactions of ${canonical} are not newest first at ${id}`)
        heightBefore = block.height
        const outputs = printed.outputs.filter((output) => output.address === canonical)
        const inputs = printed.inputs.filter((input) => input.address === canonical)
        if (outputs.length + inputs.length === 0)
          throw contradicts(`transaction ${id} is listed for ${canonical} and is not its`)
        for (const { amount } of outputs) paid += amount
        for (const { amount } of inputs) spent += amount
        proofs.push(() => this.#prove(printed, block))
        last = `/${id}`
      }
      // Only once the page as a whole holds; the queue keeps them from going out all at once.
      transactions.push(...(await Promise.all(proofs.map((prove) => prove()))))
    }
    const summary = record(parseJson((await this.#http.get(`/address/${canonical}`)).body))
    const stats = record(summary?.chain_stats)
    if (
      summary?.address !== canonical ||
      stats?.tx_count !== transactions.length ||
      units(stats.funded_txo_sum) !== paid ||
      units(stats.spent_txo_sum) !== spent
    ) {
      throw contradicts(
        `${canonical}: ${transactions.length} transactions came, in which it received ${paid} and spent ${spent}; the server counts ${String(stats?.tx_count)}, ${String(stats?.funded_txo_sum)} and ${String(stats?.spent_txo_sum)}. If a block has come in between, ask again`,
      )
    }
    return transactions
  }

  /**
   * The transaction that spends an output, proven; undefined: the server says it is unspent, or spent in no block yet. That it is
   * unspent is the server's word.
   */
  async spender(transaction: string, output: number): Promise<UtxoTransaction | undefined> {
    if (!isHash(transaction))
      throw new Fault('REQUEST_INVALID', `${JSON.stringify(transaction)} is not a transaction id`)
    const told = record(parseJson((await this.#http.get(`/tx/${transaction}/outspend/${output}`)).body))
    if (told?.spent === false) return undefined
    if (told?.spent !== true || !isHash(told.txid))
      throw contradicts(`whether ${transaction}:${output} is spent is not said`)
    const spender = await this.transaction(told.txid)
    if (spender === undefined) return undefined
    if (!spender.inputs.some((input) => input.transaction === transaction && input.output === output)) {
      throw contradicts(`${transaction}:${output} is said to be spent by ${told.txid}, which does not spend it`)
    }
    return spender
  }

  /** The coinbase of the block at a height: each block has one. */
  async coinbase(height: number): Promise<UtxoTransaction | undefined> {
    const hash = text(await this.#http.get(`/block-height/${height}`))
    if (!isHash(hash)) throw contradicts(`the hash of block ${height} is not 64 hexadecimal digits`)
    const id = text(await this.#http.get(`/block/${hash}/txid/0`))
    const coinbase = await this.transaction(id)
    if (coinbase?.coinbase !== true || coinbase.blockHash !== hash)
      throw contradicts(`the first transaction of block ${hash} is not its coinbase`)
    return coinbase
  }

  async #prove(printed: Printed, block: NonNullable<Printed['block']>): Promise<UtxoTransaction> {
    const { id } = printed
    const raw = await this.#raw(id)
    this.#checkPrinted(printed, raw)
    const makers = await Promise.all(raw.inputs.map(({ transaction }) => this.#raw(transaction)))
    const inputs: Input[] = []
    for (const [i, { output }] of raw.inputs.entries()) {
      const input = spentOutput(makers[i], output)
      if (input.amount !== printed.inputs[i].amount) {
        throw contradicts(
          `transaction ${id}, input ${i}: the server says ${printed.inputs[i].amount}, the output it spends holds ${input.amount}`,
        )
      }
      this.#checkAddress(printed.inputs[i], `transaction ${id}, input ${i}`)
      inputs.push(input)
    }
    const header = await this.#header(block.hash)
    if (header.time !== block.time) throw contradicts(`transaction ${id}: its time is not that of block ${block.hash}`)
    const proof = record(parseJson((await this.#http.get(`/tx/${id}/merkle-proof`)).body))
    const index = wholeNumber(proof?.pos)
    const branch = proof?.merkle
    if (
      index === undefined ||
      !Array.isArray(branch) ||
      !branch.every(isHash) ||
      proof?.block_height !== block.height
    ) {
      throw contradicts(`the Merkle branch of ${id} is not whole, or is for another height than ${block.height}`)
    }
    proveInclusion(header, id, index, branch)
    return toLedger(this.#chain, raw, inputs, { height: block.height, index, time: header.time, blockHash: block.hash })
  }

  /** Holds what the server prints of a transaction to its bytes. */
  #checkPrinted(printed: Printed, raw: RawTransaction): void {
    const { id, inputs, outputs } = printed
    const sameInputs =
      inputs.length === raw.inputs.length &&
      inputs.every(({ transaction, output }, i) => {
        return transaction === raw.inputs[i].transaction && output === raw.inputs[i].output
      })
    if (!sameInputs) throw contradicts(`transaction ${id}: the inputs printed are not those of its bytes`)
    const sameOutputs =
      outputs.length === raw.outputs.length &&
      outputs.every(({ amount, script }, i) => {
        return amount === raw.outputs[i].amount && script === raw.outputs[i].script.toString('hex')
      })
    if (!sameOutputs) throw contradicts(`transaction ${id}: the outputs printed are not those of its bytes`)
    for (const [i, output] of outputs.entries()) this.#checkAddress(output, `transaction ${id}, output ${i}`)
    if (!raw.coinbase) {
      const total = (legs: readonly { amount: bigint }[]): bigint => legs.reduce((sum, { amount }) => sum + amount, 0n)
      const fee = total(inputs) - total(outputs)
      if (fee !== printed.fee) throw contradicts(`transaction ${id}: its fee is ${fee}, the server says ${printed.fee}`)
    }
  }

  /** An address that is printed has to be the script's. None may be missing where we have one: bare keys have none there. */
  #checkAddress({ script, address }: { script: string; address: string | undefined }, where: string): void {
    const ours = scriptToAddress(Buffer.from(script, 'hex'), this.#chain)
    const bareKey = script.length === 70 || script.length === 134
    if (address === undefined ? ours !== null && !bareKey : address !== ours) {
      throw contradicts(`${where}: the server prints ${address ?? 'no address'}, the script pays ${ours ?? 'none'}`)
    }
  }

  #raw(id: string): Promise<RawTransaction> {
    return once(this.#makers, id, async () =>
      proveTransaction(this.#chain, id, hexBytes(text(await this.#http.get(`/tx/${id}/hex`)))),
    )
  }

  #header(hash: string): Promise<ProvenHeader> {
    return once(this.#headers, hash, async () =>
      proveHeader(this.#chain, hash, hexBytes(text(await this.#http.get(`/block/${hash}/header`)))),
    )
  }
}

/** Asks once for what several ask for at a time; a failure is not kept. */
function once<Value>(kept: LRUCache<string, Promise<Value>>, key: string, ask: () => Promise<Value>): Promise<Value> {
  const known = kept.get(key)
  if (known !== undefined) return known
  const asked = ask()
  kept.set(key, asked)
  asked.catch(() => kept.delete(key))
  return asked
}

const text = (answer: Answer): string => answer.body.toString('utf8').trim()

/** Base units as Esplora prints them: a whole number, which `parseJson` leaves as text where a double would not hold it. */
function units(value: unknown): bigint | undefined {
  if (typeof value === 'string') return /^\d{1,19}$/.test(value) ? BigInt(value) : undefined
  const whole = wholeNumber(value)
  return whole === undefined ? undefined : BigInt(whole)
}

function readPrinted(value: unknown, what: string): Printed {
  const wrong = (field: string): Fault => contradicts(`${what}: ${field} is missing or is not of its kind`)
  const tx = record(value)
  if (tx === undefined) throw wrong('the transaction')
  const { txid: id, vin, vout } = tx
  if (!isHash(id)) throw wrong('txid')
  if (!Array.isArray(vin)) throw wrong('vin')
  if (!Array.isArray(vout)) throw wrong('vout')
  const leg = (found: unknown, field: string): { script: string; address: string | undefined; amount: bigint } => {
    const output = record(found)
    const amount = units(output?.value)
    const script = output?.scriptpubkey
    // Some servers print an empty address where a script has none.
    const address = output?.scriptpubkey_address === '' ? undefined : output?.scriptpubkey_address
    if (amount === undefined) throw wrong(`${field}.value`)
    if (typeof script !== 'string' || hexBytes(script) === undefined) throw wrong(`${field}.scriptpubkey`)
    if (address !== undefined && typeof address !== 'string') throw wrong(`${field}.scriptpubkey_address`)
    return { script: script.toLowerCase(), address, amount }
  }
  const inputs: Printed['inputs'][number][] = []
  for (const [i, each] of vin.entries()) {
    const input = record(each)
    if (input === undefined || typeof input.is_coinbase !== 'boolean') throw wrong(`vin[${i}]`)
    if (input.is_coinbase) continue
    const output = wholeNumber(input.vout)
    if (!isHash(input.txid)) throw wrong(`vin[${i}].txid`)
    if (output === undefined) throw wrong(`vin[${i}].vout`)
    inputs.push({ transaction: input.txid, output, ...leg(input.prevout, `vin[${i}].prevout`) })
  }
  const fee = units(tx.fee)
  if (fee === undefined) throw wrong('fee')
  const status = record(tx.status)
  let block: Printed['block']
  if (status?.confirmed === true) {
    const height = wholeNumber(status.block_height)
    const time = wholeNumber(status.block_time)
    if (height === undefined || time === undefined || !isHash(status.block_hash)) throw wrong('status')
    block = { height, hash: status.block_hash, time }
  } else if (status?.confirmed !== false) throw wrong('status.confirmed')
  return { id, inputs, outputs: vout.map((each, i) => leg(each, `vout[${i}]`)), fee, block }
}
