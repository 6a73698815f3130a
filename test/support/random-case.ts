/** Whole cases for property tests: a ledger dump, tags and a request, drawn from one number; always valid, often awkward. */
import { createHash } from 'node:crypto'
import { address as bitcoinAddress } from 'bitcoinjs-lib'
import { getAddress } from 'ethers'

export interface DrawnFiles {
  readonly request: Record<string, unknown>
  readonly ledger: readonly Record<string, unknown>[]
  readonly tags: string
}

/** A small generator of even quality (mulberry32), so that a case is one number. */
export function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % sides
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest()
export const idOf = (text: string) => digest(text).toString('hex')
export const coinAddress = (name: string) => bitcoinAddress.toBase58Check(digest(name).subarray(0, 20), 0)
export const tokenAddress = (name: string) => getAddress(`0x${digest(name).subarray(0, 20).toString('hex')}`)
export const TOKEN = tokenAddress('token')

const timeOf = (minute: number) => new Date(Date.UTC(2022, 0, 1) + minute * 60_000).toISOString().replace('.000Z', 'Z')

const SERVICE_TAGS = 'chain,address,label,category,source\n'

/** Outputs and inputs among six wallets, an exchange and a mixer. */
export function randomCoinCase(seed: number): DrawnFiles {
  const roll = dice(seed)
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'shop', 'tumbler']
  const unspent: { transaction: string; output: number; address: string | null; amount: number }[] = []
  const ledger: Record<string, unknown>[] = [{ chain: 'bitcoin', asset: 'native', symbol: 'BTC', decimals: 8 }]
  if (roll(2) === 0) ledger.push({ chain: 'bitcoin', covers: 'all' })
  else ledger.push({ chain: 'bitcoin', covers: names.slice(0, 1 + roll(5)).map(coinAddress) })
  if (roll(3) === 0) {
    ledger.push({ chain: 'bitcoin', asset: 'native', address: coinAddress('b'), opening: String(roll(50)) })
  }
  const seeds: Record<string, unknown>[] = []
  const count = 6 + roll(18)
  for (let t = 0; t < count; t++) {
    const id = idOf(`${seed} ${t}`)
    const inputs: typeof unspent = []
    const wanted = 1 + roll(3)
    while (inputs.length < wanted && unspent.length > 0 && roll(6) > 0) {
      inputs.push(...unspent.splice(roll(unspent.length), 1))
    }
    if (inputs.length === 0) {
      const from = coinAddress(names[roll(6)])
      inputs.push({ transaction: idOf(`${seed} before ${t}`), output: roll(3), address: from, amount: 1 + roll(60) })
    }
    let left = inputs.reduce((sum, input) => sum + input.amount, 0)
    const outputs: { address: string | null; amount: number }[] = []
    for (let n = 1 + roll(4); n > 0 && left > 0; n--) {
      const amount = roll(5) === 0 ? left : roll(left + 1)
      outputs.push({ address: roll(12) === 0 ? null : coinAddress(names[roll(names.length)]), amount })
      left -= amount
    }
    if (outputs.length === 0) outputs.push({ address: null, amount: 0 })
    ledger.push({
      ...{ chain: 'bitcoin', id, height: 700000 + (t >> 1), index: t & 1, time: timeOf(t) },
      inputs: inputs.map((input) => ({ ...input, amount: String(input.amount) })),
      outputs: outputs.map((output) => ({ ...output, amount: String(output.amount) })),
    })
    for (const [output, { address, amount }] of outputs.entries()) {
      if (amount > 0 && address !== coinAddress('shop')) unspent.push({ transaction: id, output, address, amount })
      const seedable = address !== null && ![coinAddress('shop'), coinAddress('tumbler')].includes(address)
      if (amount > 0 && seedable && seeds.length < 3 && (t < 4 || roll(8) === 0)) {
        const part = roll(2) === 0 ? {} : { amount: String(1 + roll(amount)) }
        seeds.push({ id: `s${seeds.length}`, chain: 'bitcoin', transaction: id, output, ...part, reason: 'drawn' })
      }
    }
  }
  if (seeds.length === 0) return randomCoinCase(seed + 1_000_003)
  const pools = [
    ['output'],
    ['address'],
    ['output', 'address'],
    ['address', 'output'],
    ['cluster'],
    ['output', 'cluster'],
  ]
  return {
    request: request(roll, seeds, { bitcoin: pools[roll(pools.length)] }, count),
    ledger,
    tags: `${SERVICE_TAGS}bitcoin,${coinAddress('shop')},Shop,exchange,list\nbitcoin,${coinAddress('tumbler')},Tumbler,mixer,list\n`,
  }
}

/** One token and the chain's coin among six accounts, an exchange and a bridge. */
export function randomTokenCase(seed: number): DrawnFiles {
  const roll = dice(seed)
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'shop', 'bridge']
  const asset = roll(3) === 0 ? 'native' : TOKEN
  const ledger: Record<string, unknown>[] = [{ chain: 'ethereum', asset: TOKEN, symbol: 'TOK', decimals: 6 }]
  if (roll(2) === 0) ledger.push({ chain: 'ethereum', covers: 'all' })
  else ledger.push({ chain: 'ethereum', covers: names.slice(0, 1 + roll(5)).map(tokenAddress) })
  if (roll(3) === 0) {
    ledger.push({ chain: 'ethereum', asset, address: tokenAddress('b'), opening: String(roll(50)) })
  }
  const seeds: Record<string, unknown>[] = []
  const count = 6 + roll(18)
  for (let t = 0; t < count; t++) {
    const id = `0x${idOf(`${seed} ${t}`)}`
    const status = roll(10) === 0 ? 'failed' : 'success'
    const transfers = Array.from({ length: 1 + roll(3) }, (_, index) => {
      const from = tokenAddress(names[roll(6)])
      const to = roll(20) === 0 ? '0x0000000000000000000000000000000000000000' : tokenAddress(names[roll(names.length)])
      return { index: index * 2, asset: roll(5) === 0 ? 'native' : asset, from, to, amount: String(roll(30)) }
    })
    ledger.push({
      ...{ chain: 'ethereum', id, height: 15000000 + (t >> 1), index: t & 1, time: timeOf(t), status, transfers },
      fee: { from: transfers[0].from, amount: String(roll(3)) },
    })
    for (const { index, to, amount, asset: moved } of transfers) {
      const seedable = names.slice(0, 6).some((name) => tokenAddress(name) === to) && moved === asset
      if (status !== 'success' || amount === '0' || !seedable || seeds.length >= 3 || (t >= 4 && roll(8) > 0)) continue
      const part = roll(2) === 0 ? {} : { amount: String(1 + roll(Number(amount))) }
      const seeded = { chain: 'ethereum', asset, transaction: id, transfer: index }
      seeds.push({ id: `s${seeds.length}`, ...seeded, ...part, reason: 'drawn' })
    }
  }
  if (seeds.length === 0) return randomTokenCase(seed + 1_000_003)
  return {
    request: request(roll, seeds, { ethereum: ['address'] }, count),
    ledger,
    tags: `${SERVICE_TAGS}ethereum,${tokenAddress('shop')},Shop,exchange,list\nethereum,${tokenAddress('bridge')},Bridge,bridge,list\n`,
  }
}

function request(
  roll: (sides: number) => number,
  seeds: readonly Record<string, unknown>[],
  pool: Record<string, string[]>,
  count: number,
): Record<string, unknown> {
  const primary = ['fifo', 'lifo', 'proRata'][roll(3)]
  return {
    case: 'drawn',
    method: { primary, reason: 'drawn by chance' },
    seeds,
    pool: Object.fromEntries(
      Object.entries(pool).map(([chain, kinds]) => [chain, kinds.length === 1 ? kinds[0] : kinds]),
    ),
    limits: {
      ...(roll(3) === 0 ? { hops: 1 + roll(3) } : {}),
      ...(roll(4) === 0 ? { until: timeOf(roll(count)) } : {}),
      ...(roll(3) === 0 ? { amount: String(roll(8)) } : {}),
      ...(roll(4) === 0 ? { transactions: 1 + roll(5) } : {}),
    },
    compare: ['fifo', 'lifo', 'proRata'].filter((method) => method !== primary),
  }
}
