import type { AccountTransaction, UtxoTransaction } from '../../graph/ledger.ts'

/** A small repeatable generator of numbers below a bound (xorshift), so that made ledgers are the same each time. */
export function numbers(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

interface Coin {
  readonly transaction: string
  readonly output: number
  readonly address: string
  readonly amount: bigint
}

export interface MadeWallets {
  readonly transactions: readonly UtxoTransaction[]
  /** Address to wallet. */
  readonly owners: ReadonlyMap<string, string>
}

/**
 * Made wallets that pay each other as wallets do: random coins until the sum is met, change mostly to a fresh address, payees that
 * reuse addresses now and then. Three of a hundred transactions are PayJoins, three are JoinMarket-shaped rounds, three
 * are batch payouts. Whose address is whose is known exactly, because we made it.
 */
export function makeWallets(count = 60, steps = 2_500): MadeWallets {
  const pick = numbers(20_261_122)
  const owners = new Map<string, string>()
  const coins: Coin[][] = Array.from({ length: count }, () => [])
  const addresses: string[][] = Array.from({ length: count }, () => [])
  const transactions: UtxoTransaction[] = []
  const addressOf = (wallet: number, reusePerHundred: number): string => {
    const own = addresses[wallet]
    if (own.length > 0 && pick(100) < reusePerHundred) return own[pick(own.length)]
    // Scattered, so that an address does not tell its wallet by its text.
    const address = `m${((owners.size * 7_919) % 999_983).toString().padStart(6, '0')}`
    owners.set(address, `wallet${wallet}`)
    own.push(address)
    return address
  }
  const write = (
    inputs: readonly Coin[],
    outputs: readonly { wallet: number; address: string; amount: bigint }[],
  ): void => {
    const id = `g${transactions.length.toString().padStart(6, '0')}`
    // Shuffled, so that the place of the change says nothing.
    const shuffled = [...outputs]
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = pick(at + 1)
      ;[shuffled[at], shuffled[other]] = [shuffled[other], shuffled[at]]
    }
    transactions.push({
      kind: 'utxo',
      chain: 'bitcoin-regtest',
      id,
      height: 1 + Math.floor(transactions.length / 20),
      index: transactions.length % 20,
      time: 1_700_000_000 + transactions.length * 60,
      blockHash: undefined,
      coinbase: inputs.length === 0,
      inputs,
      outputs: shuffled.map(({ address, amount }) => ({ address, amount })),
    })
    shuffled.forEach(({ wallet, address, amount }, output) => {
      coins[wallet].push({ transaction: id, output, address, amount })
    })
  }
  const take = (wallet: number, wanted: bigint): Coin[] | undefined => {
    let total = 0n
    for (const { amount } of coins[wallet]) total += amount
    if (total < wanted) return undefined
    const taken: Coin[] = []
    for (let sum = 0n; sum < wanted; ) {
      const [coin] = coins[wallet].splice(pick(coins[wallet].length), 1)
      taken.push(coin)
      sum += coin.amount
    }
    return taken
  }
  const total = (taken: readonly Coin[]): bigint => taken.reduce((sum, { amount }) => sum + amount, 0n)
  const fee = 1_000n
  for (let wallet = 0; wallet < count; wallet++) {
    write([], [{ wallet, address: addressOf(wallet, 0), amount: 500_000_000n }])
  }
  for (let step = 0; step < steps; step++) {
    const payer = pick(count)
    const payee = (payer + 1 + pick(count - 1)) % count
    const kind = pick(100)
    const round = pick(3) === 0
    const wanted = BigInt(1 + pick(400)) * (round ? 100_000n : 99_991n)
    if (kind < 3) {
      // PayJoin: the payee spends a coin of its own and is paid that much more.
      const own = take(payer, wanted + fee)
      const theirs = coins[payee].length > 0 ? take(payee, 1n) : []
      if (own === undefined || theirs === undefined) continue
      write(
        [...own, ...theirs],
        [
          { wallet: payee, address: addressOf(payee, 0), amount: wanted + total(theirs) },
          { wallet: payer, address: addressOf(payer, 0), amount: total(own) - wanted - fee },
        ].filter(({ amount }) => amount > 0n),
      )
    } else if (kind < 6) {
      const size = 3 + pick(5)
      const equal = BigInt(20 + pick(100)) * 54_321n
      const inputs: Coin[] = []
      const outputs: { wallet: number; address: string; amount: bigint }[] = []
      for (let at = 0; at < size; at++) {
        const wallet = (payer + at) % count
        const own = take(wallet, equal + fee + BigInt(at) * 10n + 1_000n)
        if (own === undefined) continue
        inputs.push(...own)
        outputs.push({ wallet, address: addressOf(wallet, 0), amount: equal })
        outputs.push({ wallet, address: addressOf(wallet, 0), amount: total(own) - equal - fee - BigInt(at) * 10n })
      }
      if (inputs.length > 0) write(inputs, outputs)
    } else if (kind < 9) {
      const payees = 10 + pick(20)
      const each = BigInt(1 + pick(20)) * 10_000n
      const own = take(payer, BigInt(payees) * each + fee)
      if (own === undefined) continue
      const outputs = Array.from({ length: payees }, (_, at) => {
        const wallet = (payer + 1 + at) % count
        return { wallet, address: addressOf(wallet, 40), amount: pick(2) === 0 ? each : each - BigInt(pick(9_000)) }
      })
      const paid = outputs.reduce((sum, { amount }) => sum + amount, 0n)
      const rest = total(own) - paid - fee
      if (rest > 0n) outputs.push({ wallet: payer, address: addressOf(payer, 15), amount: rest })
      write(own, outputs)
    } else {
      const own = take(payer, wanted + fee)
      if (own === undefined) continue
      const outputs = [{ wallet: payee, address: addressOf(payee, 40), amount: wanted }]
      const rest = total(own) - wanted - fee
      if (rest > 0n) outputs.push({ wallet: payer, address: addressOf(payer, 15), amount: rest })
      write(own, outputs)
    }
  }
  return { transactions, owners }
}

/** What a made account is; only the first kind is a deposit account. */
export const ACCOUNT_KINDS = [
  'deposit account',
  'pays others too',
  'sends a part each time',
  'sends late',
  'two services',
  'withdraws and returns',
  'payment processor',
  'paid once',
  'forwards all, but is a person’s',
] as const
export type AccountKind = (typeof ACCOUNT_KINDS)[number]

export interface MadeAccounts {
  readonly transactions: readonly AccountTransaction[]
  readonly kinds: ReadonlyMap<string, AccountKind>
  /** The account's service, for deposit accounts. */
  readonly entities: ReadonlyMap<string, string>
  /** Tagged wallets. */
  readonly tags: ReadonlyMap<string, string>
}

/** Made token accounts: deposit accounts of three services with their sweeps, and other accounts that send to services too. */
export function makeAccounts(ofEach = 100): MadeAccounts {
  const pick = numbers(7_041_776)
  const tags = new Map<string, string>()
  for (let service = 0; service < 3; service++) {
    for (let wallet = 0; wallet < 3; wallet++) tags.set(`hot${service}-${wallet}`, `Service ${service}`)
  }
  const kinds = new Map<string, AccountKind>()
  const entities = new Map<string, string>()
  const transactions: AccountTransaction[] = []
  const move = (time: number, from: string, to: string, amount: number, asset = 'usdt'): void => {
    transactions.push({
      kind: 'account',
      chain: 'tron',
      id: `a${transactions.length.toString().padStart(7, '0')}`,
      height: undefined,
      index: undefined,
      time,
      blockHash: undefined,
      status: 'success',
      transfers: [{ index: 0, asset, from, to, amount: BigInt(amount) }],
      fee: { from, amount: 345_000n },
    })
  }
  ACCOUNT_KINDS.forEach((kind, number) => {
    for (let at = 0; at < ofEach; at++) {
      const account = `account${number}-${at}`
      const service = pick(3)
      const hot = (): string => `hot${service}-${pick(3)}`
      kinds.set(account, kind)
      if (kind === 'deposit account') entities.set(account, `Service ${service}`)
      let time = 1_650_000_000 + pick(1_000_000)
      const rounds = kind === 'paid once' ? 1 : 2 + pick(6)
      if (kind !== 'forwards all, but is a person’s') move(time, `gas${service}`, account, 30_000_000, 'native')
      for (let round = 0; round < rounds; round++) {
        let held = 0
        const payments = kind === 'payment processor' ? 60 : 1 + pick(3)
        for (let payment = 0; payment < payments; payment++) {
          const amount = 1_000_000 * (1 + pick(5_000))
          time += 60 + pick(1_200)
          const from = kind === 'withdraws and returns' ? hot() : `payer${number}-${at}-${round}-${payment}`
          move(time, from, account, amount)
          held += amount
        }
        time += kind === 'sends late' ? 90_000 + pick(900_000) : 120 + pick(20_000)
        if (kind === 'pays others too') {
          const part = Math.floor(held / 4)
          move(time, account, `friend${number}-${at}`, part)
          held -= part
          time += 60
        }
        if (kind === 'sends a part each time') held -= Math.floor(held / 10)
        if (kind === 'two services' && round % 2 === 1) move(time, account, `hot${(service + 1) % 3}-0`, held)
        else move(time, account, hot(), held)
        time += 3_600 + pick(500_000)
      }
    }
  })
  return { transactions, kinds, entities, tags }
}

/** What a made address on a UTXO chain is; the first two kinds are the service's. */
export const ADDRESS_KINDS = [
  'deposit address, consolidated again and again',
  'deposit address, spent beside a tagged wallet',
  'deposit address, consolidated once',
  'deposit address that another service shares',
  'customer who pays the service and takes change',
  'customer who empties two addresses to it',
  'customer who empties twenty addresses to it, in two goes',
  'customer who empties sixty addresses to it, in two goes',
  'payer in a CoinJoin with the service',
] as const
export type AddressKind = (typeof ADDRESS_KINDS)[number]

export interface MadeAddresses {
  readonly transactions: readonly UtxoTransaction[]
  readonly kinds: ReadonlyMap<string, AddressKind>
  readonly entities: ReadonlyMap<string, string>
  readonly tags: ReadonlyMap<string, string>
}

/** Made addresses on a UTXO chain: those a service consolidates, and customers of it that consolidate too. */
export function makeAddresses(groups = 10): MadeAddresses {
  const pick = numbers(31_415_926)
  const tags = new Map<string, string>()
  for (const service of [0, 1]) for (const at of [0, 1, 2]) tags.set(`wallet${service}-${at}`, `Service ${service}`)
  const kinds = new Map<string, AddressKind>()
  const entities = new Map<string, string>()
  const transactions: UtxoTransaction[] = []
  const pay = (inputs: readonly { address: string; amount: number }[], outputs: readonly [string, number][]): void => {
    transactions.push({
      kind: 'utxo',
      chain: 'bitcoin-regtest',
      id: `u${transactions.length.toString().padStart(6, '0')}`,
      height: 1 + transactions.length,
      index: 1,
      time: 1_700_000_000 + transactions.length * 600,
      blockHash: undefined,
      coinbase: false,
      inputs: inputs.map(({ address, amount }, output) => ({
        transaction: `unseen${transactions.length}`,
        output,
        address,
        amount: BigInt(amount),
      })),
      outputs: outputs.map(([address, amount]) => ({ address, amount: BigInt(amount) })),
    })
  }
  const hold = (address: string): { address: string; amount: number } => ({
    address,
    amount: 100_000 + pick(9_000_000),
  })
  const total = (held: readonly { amount: number }[]): number => held.reduce((sum, { amount }) => sum + amount, 0)
  const sweep = (addresses: readonly string[], to: string): void => {
    const held = addresses.map(hold)
    pay(held, [[to, total(held) - 2_000]])
  }
  ADDRESS_KINDS.forEach((kind, number) => {
    for (let group = 0; group < groups; group++) {
      const service = pick(2)
      const wallet = `wallet${service}-${pick(3)}`
      const make = (count: number): string[] =>
        Array.from({ length: count }, (_, at) => {
          const address = `kind${number}-${group}-${at}`
          kinds.set(address, kind)
          if (kind.startsWith('deposit address')) entities.set(address, `Service ${service}`)
          return address
        })
      switch (kind) {
        case 'deposit address, consolidated again and again': {
          // Some addresses are paid again, and so tie one consolidation to the next.
          const own = make(80)
          sweep(own.slice(0, 32), wallet)
          sweep(own.slice(28, 60), wallet)
          sweep(own.slice(50), wallet)
          break
        }
        case 'deposit address, spent beside a tagged wallet': {
          const held = [...make(4), wallet].map(hold)
          const paid = 50_000 + pick(50_000)
          pay(held, [
            [`payee${number}-${group}`, paid],
            [wallet, total(held) - paid - 2_000],
          ])
          break
        }
        case 'deposit address, consolidated once':
          sweep(make(20), wallet)
          break
        case 'deposit address that another service shares': {
          const own = make(60)
          sweep(own, wallet)
          sweep(own, `wallet${1 - service}-0`)
          break
        }
        case 'customer who pays the service and takes change': {
          const held = make(1).map(hold)
          pay(held, [
            [wallet, 60_001],
            [`change${number}-${group}`, total(held) - 61_001],
          ])
          break
        }
        case 'customer who empties two addresses to it':
          sweep(make(2), wallet)
          break
        case 'customer who empties twenty addresses to it, in two goes':
        case 'customer who empties sixty addresses to it, in two goes': {
          const own = make(kind.includes('sixty') ? 60 : 20)
          sweep(own.slice(0, 11), wallet)
          sweep(own.slice(9), wallet)
          break
        }
        case 'payer in a CoinJoin with the service': {
          const held = [...make(4), wallet].map((address, at) => ({
            address,
            amount: 1_000_000 + (at === 0 ? 500 : 0),
          }))
          pay(
            held,
            held.map((_, at): [string, number] => [`mixed${number}-${group}-${at}`, 1_000_000]),
          )
          break
        }
      }
    }
  })
  return { transactions, kinds, entities, tags }
}
