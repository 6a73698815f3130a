/** Ledgers of which a trace reaches a part, as lines of dumps: full of what could make a part tell otherwise than the whole. */
import { coinAddress, dice, idOf, tokenAddress } from './random-case.ts'

export interface SiftCase {
  readonly request: Record<string, unknown>
  /** The lines of each dump. */
  readonly dumps: readonly (readonly string[])[]
  /** Tags as CSV. */
  readonly tags: string
}

type Row = Record<string, unknown>

const timeOf = (minute: number) => new Date(Date.UTC(2022, 0, 1) + minute * 60_000).toISOString().replace('.000Z', 'Z')
const ZERO = '0x0000000000000000000000000000000000000000'
const WALLETS = Array.from({ length: 30 }, (_, i) => `w${i}`)
const SERVICES = ['shop', 'desk', 'tumbler', 'bridge']
const COINS = new Map([...WALLETS, ...SERVICES].map((name) => [name, coinAddress(name)]))
const ACCOUNTS = new Map([...WALLETS, ...SERVICES].map((name) => [name, tokenAddress(name)]))
const TOKENS = ['token', 'other', 'alike'].map(tokenAddress)

/** Rows that have a place in the order: by position, by height alone, or by time alone; several share one. */
function placesOf(roll: (sides: number) => number) {
  const mode = roll(4)
  const share = 1 + roll(4)
  return (t: number): Row => {
    // Times need not rise with heights.
    const minute = Math.floor(t / share) + (mode < 2 ? roll(3) : 0)
    const placed = { time: timeOf(minute), height: 100 + Math.floor(t / share), index: t % share }
    if (mode === 0 || (mode === 3 && t > 3)) return placed
    return mode === 1 ? { ...placed, index: undefined } : { time: timeOf(Math.floor(t / share)) }
  }
}

function coinRows(roll: (sides: number) => number, seed: number, count: number): Row[] {
  const chain = 'bitcoin'
  const placeOf = placesOf(roll)
  const rows: Row[] = []
  const unspent: { transaction: string; output: number; address: string | null; amount: number }[] = []
  for (let t = 0; t < count; t++) {
    const id = idOf(`${seed} coin ${t}`)
    // Neighbours pay one another, so that a part of the ledger stays out of reach.
    const near = () => [...COINS.values()][(t + roll(6)) % WALLETS.length]
    const inputs: typeof unspent = []
    for (let n = roll(3); n > 0 && unspent.length > 0; n--) {
      inputs.push(...unspent.splice(Math.max(0, unspent.length - 1 - roll(8)), 1))
    }
    const coinbase = inputs.length === 0 && roll(3) === 0
    if (inputs.length === 0 && !coinbase) {
      inputs.push({ transaction: idOf(`${seed} before ${t}`), output: roll(3), address: near(), amount: 1 + roll(60) })
    }
    let left = coinbase ? 50 : inputs.reduce((sum, input) => sum + input.amount, 0)
    const outputs: { address: string | null; amount: number }[] = []
    for (let n = 1 + roll(3); n > 0; n--) {
      const amount = roll(4) === 0 ? left : roll(left + 1)
      const address = roll(10) === 0 ? null : roll(8) === 0 ? COINS.get(SERVICES[roll(4)])! : near()
      outputs.push({ address, amount })
      left -= amount
    }
    for (const [output, { address, amount }] of outputs.entries()) {
      unspent.push({ transaction: id, output, address, amount })
    }
    const text = <T extends { amount: number }>(legs: readonly T[]) =>
      legs.map((leg) => ({ ...leg, amount: String(leg.amount) }))
    rows.push({ chain, id, ...placeOf(t), coinbase, inputs: text(inputs), outputs: text(outputs) })
  }
  return rows
}

function accountRows(roll: (sides: number) => number, seed: number, count: number): Row[] {
  const chain = 'ethereum'
  const placeOf = placesOf(roll)
  const rows: Row[] = []
  const held = new Map<string, number>()
  for (let t = 0; t < count; t++) {
    const near = () => [...ACCOUNTS.values()][(t + roll(5)) % WALLETS.length]
    const from = near()
    const transfers: Row[] = []
    for (let n = 1 + (roll(3) === 0 ? roll(3) : 0); n > 0; n--) {
      const payer = roll(8) === 0 ? near() : from
      const asset = roll(4) === 0 ? ['native', ...TOKENS][roll(4)] : TOKENS[0]
      const service = roll(4) === 0
      const to = service ? ACCOUNTS.get(SERVICES[roll(4)])! : roll(25) === 0 ? ZERO : near()
      // Sweeps of all that came in make deposit accounts.
      const whole = held.get(`${payer} ${asset}`) ?? 0
      const amount = service && whole > 0 ? whole : roll(12) === 0 ? 0 : 1 + roll(40)
      transfers.push({ index: transfers.length * 2, asset, from: payer, to, amount: String(amount) })
      held.set(`${payer} ${asset}`, Math.max(0, whole - amount))
      held.set(`${to} ${asset}`, (held.get(`${to} ${asset}`) ?? 0) + amount)
    }
    const status = roll(12) === 0 ? 'failed' : 'success'
    const id = `0x${idOf(`${seed} account ${t}`)}`
    rows.push({
      ...{ chain, id, ...placeOf(t), status, transfers },
      ...(roll(3) === 0 ? {} : { fee: { from: roll(9) === 0 ? near() : from, amount: String(roll(3)) } }),
    })
  }
  return rows
}

/** Some rows are told in two parts, or twice; some without the place that another line gives. */
function told(roll: (sides: number) => number, row: Row): Row[] {
  const { height, index, blockHash, ...bare } = row
  if (roll(10) === 0) return [row, bare]
  if (roll(10) === 0) return [row, row]
  const transfers = row.transfers as Row[] | undefined
  if (transfers === undefined || transfers.length < 2 || roll(3) > 0) return [row]
  return [
    { ...row, transfers: transfers.slice(0, 1) },
    { ...bare, transfers: transfers.slice(1), fee: undefined },
  ]
}

function seedsOf(roll: (sides: number) => number, rows: readonly Row[]): Row[] {
  const seeds: Row[] = []
  for (const row of rows) {
    if (roll(9) > 0 || seeds.length === 3) continue
    const { chain, id } = row
    const reason = 'drawn'
    const outputs = (row.outputs ?? []) as { address: string | null; amount: string }[]
    const transfers = (row.transfers ?? []) as Record<string, string>[]
    const services = SERVICES.flatMap((name) => [COINS.get(name), ACCOUNTS.get(name)])
    const place = outputs.findIndex((leg) => leg.amount !== '0' && !services.includes(leg.address ?? ''))
    const transfer = transfers.find((leg) => leg.amount !== '0' && !services.includes(leg.to))
    const address = place === -1 ? transfer?.to : outputs[place].address
    if (place === -1 && (transfer === undefined || row.status === 'failed')) continue
    const name = { id: `${chain} ${seeds.length}`.replace(' ', '-'), chain, reason }
    const asset = transfer === undefined ? {} : { asset: transfer.asset }
    if (roll(3) === 0 && typeof address === 'string') {
      const window = [{}, { from: row.time }, { until: row.time }][roll(3)]
      seeds.push({ ...name, ...asset, address, ...window })
    } else if (place !== -1) seeds.push({ ...name, transaction: id, output: place })
    else seeds.push({ ...name, ...(roll(2) === 0 ? asset : {}), transaction: id, transfer: transfer!.index })
  }
  return seeds
}

/** A case by its number. `count` transactions on each chain. */
export function drawSiftCase(seed: number, count = 60): SiftCase {
  const roll = dice(seed)
  const coins = coinRows(roll, seed, 10 + roll(count))
  const accounts = accountRows(roll, seed, 10 + roll(count))
  const seeds = [...seedsOf(roll, coins), ...seedsOf(roll, accounts)]
  if (seeds.length === 0) return drawSiftCase(seed + 1_000_003, count)
  const chains = new Set(seeds.map((each) => each.chain))
  const pools = [['output'], ['address'], ['output', 'address'], ['address', 'output'], ['cluster']]
  const serviceTagged = roll(3) > 0
  const lines: Row[] = [...coins, ...accounts].flatMap((row) => told(roll, row))
  for (const [chain, all] of [
    ['bitcoin', COINS],
    ['ethereum', ACCOUNTS],
  ] as const) {
    const some = () => [...all.values()][roll(all.size)]
    if (roll(2) === 0) lines.push({ chain, covers: roll(3) === 0 ? 'all' : [some(), some(), some(), some()] })
    for (let n = roll(3); n > 0; n--) {
      const opening = { chain, asset: chain === 'bitcoin' ? 'native' : TOKENS[0], address: some() }
      if (!lines.some((line) => 'opening' in line && line.address === opening.address)) {
        lines.push({ ...opening, opening: String(roll(50)) })
      }
    }
  }
  lines.push({ chain: 'bitcoin', asset: 'native', symbol: 'BTC', decimals: 8 })
  for (const [i, symbol] of ['TOK', 'OTH', 'T0K'].entries()) {
    lines.push({ chain: 'ethereum', asset: TOKENS[i], symbol, decimals: 6 })
  }
  for (let i = lines.length - 1; i > 0; i--) {
    const other = roll(i + 1)
    ;[lines[i], lines[other]] = [lines[other], lines[i]]
  }
  const cut = roll(lines.length)
  const text = lines.map((line) => JSON.stringify(line))
  const window = roll(3) === 0 ? `${timeOf(roll(count / 2))},` : ','
  return {
    request: {
      method: { primary: 'fifo', reason: 'drawn by chance' },
      seeds,
      pool: {
        ...(chains.has('bitcoin') ? { bitcoin: pools[roll(pools.length)] } : {}),
        ...(chains.has('ethereum') ? { ethereum: ['address'] } : {}),
      },
      limits: {
        ...(roll(4) === 0 ? { hops: 1 + roll(4) } : {}),
        ...(roll(5) === 0 ? { until: timeOf(roll(count)) } : {}),
        ...(roll(4) === 0 ? { amount: String(roll(8)) } : {}),
        ...(roll(5) === 0 ? { transactions: 1 + roll(8) } : {}),
      },
      compare: ['proRata'],
      rules: { depositSweep: roll(3) > 0 },
    },
    dumps: [text.slice(0, cut), ['', ...text.slice(cut), '']],
    tags: `chain,address,label,category,source,validFrom,validTo\n${[
      ...(serviceTagged ? [`bitcoin,${COINS.get('shop')},Shop,exchange,list,,`] : []),
      ...(serviceTagged ? [`bitcoin,${COINS.get('desk')},Desk,exchange,list,${window}`] : []),
      `bitcoin,${COINS.get('tumbler')},Tumbler,mixer,list,${window}`,
      `ethereum,${ACCOUNTS.get('shop')},Shop,exchange,list,,`,
      `ethereum,${ACCOUNTS.get('desk')},Desk,exchange,list,${window}`,
      `ethereum,${ACCOUNTS.get('tumbler')},Tumbler,mixer,list,${window}`,
      `ethereum,${ACCOUNTS.get('bridge')},Bridge,bridge,list,,`,
    ].join('\n')}\n`,
  }
}
