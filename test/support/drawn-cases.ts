/**
 * Cases that a lawyer can check with a pencil: a drawn ledger, and what each method says of it. The engine and the
 * coin-by-coin oracle must both give these answers. Pools that end empty are left out; `other` is what is no seed's.
 */
import { type MethodName, methodFits } from '../../graph/index.ts'

export interface DrawnCase {
  /** The rule that the case shows. */
  readonly shows: string
  /** Outputs that transactions mix, or balances. */
  readonly pools: 'output' | 'address'
  readonly ledger: string
  /** Lines may stand in any order, `|` parts them. `all` stands for every method that fits the pools. */
  readonly says: Partial<Record<MethodName | 'all', string>>
}

/** What a case says of a method, as sorted lines; undefined where it says nothing. */
export function saidOf({ says, pools }: DrawnCase, method: MethodName): string[] | undefined {
  const text = says[method] ?? says.all
  return text === undefined || !methodFits(method, pools) ? undefined : sortedLines(text)
}

/** Answers are compared line by line, in any order. */
export function sortedLines(text: string): string[] {
  return text
    .split(/[\n|]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort()
}

export const DRAWN_CASES: readonly DrawnCase[] = [
  {
    shows: 'inputs mix in a transaction, and each method parts them its own way (STYLE.md)',
    pools: 'output',
    ledger: `
      seed theft 10
      tx t1  theft 10, salary 10  ->  a 12, b 7  fee 1
    `,
    says: {
      fifo: 'a: theft 10, unknown 2 | b: unknown 7 | fee: other 1',
      lifo: 'a: unknown 10, theft 2 | b: theft 7 | fee: theft 1',
      // 10 × 12/20 = 6; 10 × 7/20 = 3.5 and 10 × 1/20 = 0.5 tie for the last unit: the lower leg, b, has it.
      proRata: 'a: theft 6, unknown 6 | b: theft 4, unknown 3 | fee: other 1',
      tiho: 'a: theft 10, unknown 2 | b: unknown 7 | fee: other 1',
    },
  },
  {
    shows: 'a seed that nobody touched lies where it arrived',
    pools: 'output',
    ledger: 'seed theft 5',
    says: { all: 'theft: theft 5' },
  },
  {
    shows: 'what was held before the data begins stands first and is unknown',
    pools: 'address',
    ledger: `
      open wallet 4
      seed theft 6 -> wallet
      tx t  wallet 5 -> @shop 5
    `,
    says: {
      fifo: '@shop: theft 1, other 4 | wallet: theft 5',
      lifo: '@shop: theft 5 | wallet: unknown 4, theft 1',
      proRata: '@shop: theft 3, other 2 | wallet: theft 3, unknown 2',
      ownFirst: '@shop: theft 1, other 4 | wallet: theft 5',
      proceedsFirst: '@shop: theft 5 | wallet: theft 1, unknown 4',
    },
  },
  {
    shows: 'money that came later is newer: fifo takes it last, lifo first',
    pools: 'address',
    ledger: `
      seed theft 6 -> wallet
      tx pay  @clean 4 -> wallet 4
      tx t    wallet 5 -> @shop 5
    `,
    says: {
      fifo: '@shop: theft 5 | wallet: theft 1, clean 4',
      lifo: '@shop: theft 1, other 4 | wallet: theft 5',
      proRata: '@shop: theft 3, other 2 | wallet: theft 3, clean 2',
      ownFirst: '@shop: theft 1, other 4 | wallet: theft 5',
      proceedsFirst: '@shop: theft 5 | wallet: theft 1, clean 4',
    },
  },
  {
    shows: 'several seeds keep labels of their own; among proceeds the oldest go first (Barlow Clowes)',
    pools: 'address',
    ledger: `
      seed anna 1000 -> fund
      seed bora 2000 -> fund
      tx t  fund 600 -> x 600
    `,
    says: {
      fifo: 'x: anna 600 | fund: anna 400, bora 2000',
      lifo: 'x: bora 600 | fund: anna 1000, bora 1400',
      proRata: 'x: anna 200, bora 400 | fund: anna 800, bora 1600',
      ownFirst: 'x: anna 600 | fund: anna 400, bora 2000',
      proceedsFirst: 'x: anna 600 | fund: anna 400, bora 2000',
    },
  },
  {
    shows: 'a seed that is part of a payment stands first in it',
    pools: 'address',
    ledger: `
      tx t1  @unknown 10 -> w 10 [buy 4]
      tx t2  w 3 -> x 3
    `,
    says: {
      fifo: 'x: buy 3 | w: buy 1, unknown 6',
      lifo: 'x: unknown 3 | w: buy 4, unknown 3',
      // 4 × 3/10 = 1.2 and 4 × 7/10 = 2.8: the larger remainder stays in w.
      proRata: 'x: buy 1, unknown 2 | w: buy 3, unknown 4',
      ownFirst: 'x: unknown 3 | w: unknown 3, buy 4',
      proceedsFirst: 'x: buy 3 | w: buy 1, unknown 6',
    },
  },
  {
    shows: 'value that is one seed’s already keeps its label when another seed claims the payment',
    pools: 'output',
    ledger: `
      seed anna 4
      tx t1  anna 4, b 6 -> c 10 [zeta 5]
    `,
    says: {
      fifo: 'c: zeta 5, anna 4, unknown 1',
      lifo: 'c: zeta 5, unknown 1, anna 4',
      proRata: 'c: anna 4, zeta 5, unknown 1',
    },
  },
  {
    shows: 'two claims on one deposit never exceed it: the first id has it',
    pools: 'output',
    ledger: 'tx t  @unknown 10 -> w 10 [bora 10; anna 10]',
    says: { all: 'w: anna 10' },
  },
  {
    shows: 'two part claims on one deposit: the second has what the first left',
    pools: 'output',
    ledger: 'tx t  @unknown 10 -> w 10 [bora 6; anna 7]',
    says: { proRata: 'w: anna 7, bora 3' },
  },
  {
    shows: 'a claim may be larger than what is left unclaimed',
    pools: 'output',
    ledger: `
      seed anna 4
      tx t1  anna 4, b 6 -> c 10 [zeta 10]
    `,
    says: { proRata: 'c: anna 4, zeta 6', fifo: 'c: zeta 6, anna 4', lifo: 'c: zeta 6, anna 4' },
  },
  {
    shows: 'the fee is served last: proceeds alone pay it with proceeds',
    pools: 'output',
    ledger: `
      seed s 10
      tx t  s 10 -> a 9 fee 1
    `,
    says: { all: 'a: s 9 | fee: s 1' },
  },
  {
    shows: 'the fee is served last: by fifo the last input pays it',
    pools: 'output',
    ledger: `
      seed s 5
      tx t  salary 5, s 5 -> a 9 fee 1
    `,
    says: {
      fifo: 'a: unknown 5, s 4 | fee: s 1',
      lifo: 'a: s 5, unknown 4 | fee: other 1',
      proRata: 'a: s 5, unknown 4 | fee: other 1', // 4.5 and 0.5 tie: the lower leg
      tiho: 'a: s 5, unknown 4 | fee: other 1',
    },
  },
  {
    shows: 'an entry may be nothing but a fee',
    pools: 'address',
    ledger: `
      seed s 5 -> w
      tx gas  w 2 -> fee 2
    `,
    says: { all: 'w: s 3 | fee: s 2' },
  },
  {
    shows: 'a payment into a service ends there',
    pools: 'output',
    ledger: `
      seed s 5
      tx t  s 5 -> @binance 3, mine 2
    `,
    says: { all: '@binance: s 3 | mine: s 2' },
  },
  {
    shows: 'a seed paid straight into a service is there',
    pools: 'output',
    ledger: 'tx t  @unknown 5 -> @binance 5 [s 5]',
    says: { all: '@binance: s 5' },
  },
  {
    shows: 'mixers, bridges and burns end a trace under names of their own',
    pools: 'output',
    ledger: `
      seed s 7
      tx t  s 7 -> @mixer 1, @bridge 2, @burned 4
    `,
    says: { all: '@mixer: s 1 | @bridge: s 2 | @burned: s 4' },
  },
  {
    shows: 'newly minted value is clean',
    pools: 'output',
    ledger: `
      seed s 10
      tx cb  -> miner 50
      tx t  s 10, miner 50 -> a 60
    `,
    says: {
      fifo: 'a: s 10, clean 50',
      lifo: 'a: clean 50, s 10',
      proRata: 'a: s 10, clean 50',
      tiho: 'a: s 10, clean 50',
    },
  },
  {
    shows: 'tiho: proceeds go to the largest output, whatever its place',
    pools: 'output',
    ledger: `
      seed s 12
      tx t  s 12, x 8 -> a 4, b 9, c 7
    `,
    says: { tiho: 'b: s 9 | c: s 3, unknown 4 | a: unknown 4', fifo: 'a: s 4 | b: s 8, unknown 1 | c: unknown 7' },
  },
  {
    shows: 'tiho: of equal outputs the lowest',
    pools: 'output',
    ledger: `
      seed s 5
      tx t  x 15, s 5 -> a 10, b 10
    `,
    says: { tiho: 'a: s 5, unknown 5 | b: unknown 10' },
  },
  {
    shows: 'tiho: the fee comes after every output, however large it is',
    pools: 'output',
    ledger: `
      seed s 6
      tx t  s 6, x 10 -> a 2, b 4 fee 10
    `,
    says: { tiho: 'a: s 2 | b: s 4 | fee: other 10' },
  },
  {
    shows: 'tiho: two seeds keep the order of their inputs',
    pools: 'output',
    ledger: `
      seed anna 3
      seed bora 3
      tx t  bora 3, anna 3, x 4 -> a 2, b 5, c 3
    `,
    says: { tiho: 'b: bora 3, anna 2 | c: anna 1, unknown 2 | a: unknown 2' },
  },
  {
    shows: 'a peel chain: nothing mixes, so every method follows it alike',
    pools: 'output',
    ledger: `
      seed s 10
      tx t1  s 10 -> p1 1, c1 9
      tx t2  c1 9 -> p2 1, c2 8
      tx t3  c2 8 -> p3 3, c3 4 fee 1
    `,
    says: {
      all: 'p1: s 1 | p2: s 1 | p3: s 3 | c3: s 4 | fee: s 1',
    },
  },
  {
    shows: 'value may go round and come back',
    pools: 'address',
    ledger: `
      seed s 5 -> a
      tx t1  a 5 -> b 5
      tx t2  b 5 -> a 5
      tx t3  a 5 -> @binance 5
    `,
    says: { all: '@binance: s 5' },
  },
  {
    shows: 'what an address pays itself leaves the queue and joins its end',
    pools: 'address',
    ledger: `
      open w 4
      seed s 6 -> w
      tx t  w 4 -> w 4
    `,
    says: {
      fifo: 'w: s 6, unknown 4',
      lifo: 'w: unknown 4, s 6',
      proRata: 'w: s 6, unknown 4',
      ownFirst: 'w: unknown 4, s 6',
      proceedsFirst: 'w: s 6, unknown 4',
    },
  },
  {
    shows: 'lowest intermediate balance: what fell to one unit stays one unit, whatever is paid in after (Durant)',
    pools: 'address',
    ledger: `
      seed s 10 -> w
      tx a  w 9 -> @spent 9
      tx b  @clean 4 -> w 4
      tx c  w 3 -> e 3
    `,
    says: {
      fifo: '@spent: s 9 | e: s 1, clean 2 | w: clean 2',
      lifo: '@spent: s 9 | e: clean 3 | w: s 1, clean 1',
      proRata: '@spent: s 9 | e: s 1, clean 2 | w: clean 2', // 0.6 goes, 0.4 stays: one unit, to the larger remainder
      ownFirst: '@spent: s 9 | e: clean 3 | w: clean 1, s 1',
      proceedsFirst: '@spent: s 9 | e: s 1, clean 2 | w: clean 2',
    },
  },
  {
    shows: 'a balance that reached nothing has nothing of the seed, under every method',
    pools: 'address',
    ledger: `
      seed s 3 -> w
      tx a  @clean 2 -> w 2
      tx b  w 5 -> @spent 5
      tx c  @clean 4 -> w 4
    `,
    says: { all: '@spent: s 3, other 2 | w: clean 4' },
  },
  {
    shows: 'lots keep their order from one balance to the next',
    pools: 'address',
    ledger: `
      open a 5
      seed s 5 -> a
      tx t1  a 7 -> b 7
      tx t2  b 6 -> c 6
    `,
    says: { fifo: 'a: s 3 | b: s 1 | c: unknown 5, s 1' },
  },
  {
    shows: 'a transaction may take twice from one balance',
    pools: 'address',
    ledger: `
      seed s 3 -> w
      tx p  @clean 3 -> w 3
      tx t  w 2, w 2 -> @x 3, @y 1
    `,
    says: {
      fifo: '@x: s 3 | @y: other 1 | w: clean 2',
      proceedsFirst: '@x: s 3 | @y: other 1 | w: clean 2',
      ownFirst: '@x: other 3 | @y: s 1 | w: s 2',
      lifo: '@x: other 3 | @y: s 1 | w: s 2',
    },
  },
  {
    shows: 'a transaction of outputs mixes its inputs: by lifo the last input leaves first',
    pools: 'output',
    ledger: `
      seed s 4
      tx t  s 4, b 4 -> @x 4, @y 4
    `,
    says: {
      fifo: '@x: s 4 | @y: other 4',
      lifo: '@x: other 4 | @y: s 4',
      proRata: '@x: s 2, other 2 | @y: s 2, other 2',
      tiho: '@x: s 4 | @y: other 4',
    },
  },
  {
    shows: 'an entry of balances passes on what the payers give, in their order; only pro rata mixes it',
    pools: 'address',
    ledger: `
      seed s 4 -> a
      open b 4
      tx t  a 4, b 4 -> @x 4, @y 4
    `,
    says: { all: '@x: s 4 | @y: other 4', proRata: '@x: s 2, other 2 | @y: s 2, other 2' },
  },
  {
    shows: 'an output is spent as it lies: what arrived in it last is its newest',
    pools: 'output',
    ledger: `
      seed s 3
      tx t1  s 3, x 2 -> a 5
      tx t2  a 5 -> b 2, c 3
    `,
    says: { fifo: 'b: s 2 | c: s 1, unknown 2', lifo: 'b: s 2 | c: s 1, unknown 2' },
  },
  {
    shows: 'a payment arrives in the order in which the payer’s balance gave it, by lifo too (R3)',
    pools: 'address',
    ledger: `
      open a 2
      seed s 2 -> a
      open b 1
      tx t1  a 3 -> b 3
      tx t2  b 2 -> @e 2
    `,
    // a gives s 2, then 1 of its own; so that one is b's newest.
    says: { lifo: '@e: s 1, other 1 | a: unknown 1 | b: unknown 1, s 1' },
  },
  {
    shows: 'change that a wallet pays itself joins the end of its queue',
    pools: 'address',
    ledger: `
      open w 4
      seed s 6 -> w
      tx t  w 10 -> @shop 4, w 6
    `,
    says: {
      fifo: '@shop: other 4 | w: s 6',
      lifo: '@shop: s 4 | w: s 2, unknown 4',
      ownFirst: '@shop: other 4 | w: s 6',
      proceedsFirst: '@shop: s 4 | w: s 2, unknown 4',
    },
  },
  {
    shows: 'a payment of nothing moves nothing',
    pools: 'output',
    ledger: `
      seed s 5
      open zero 0
      tx t  s 5, zero 0 -> a 0, b 5
    `,
    says: { all: 'b: s 5' },
  },
  {
    shows: 'pro rata: of equal remainders the lowest leg',
    pools: 'output',
    ledger: `
      seed s 1
      tx t  s 1, x 1 -> a 1, b 1
    `,
    says: { proRata: 'a: s 1 | b: unknown 1' },
  },
  {
    shows: 'pro rata: a leg never gets more than it holds',
    pools: 'output',
    ledger: `
      seed anna 1
      seed bora 1
      seed cato 1
      tx t  anna 1, bora 1, cato 1 -> x 1, y 2
    `,
    // Each has 1/3 for x and 2/3 for y, so each asks for y; y is full when cato comes.
    says: { proRata: 'x: cato 1 | y: anna 1, bora 1' },
  },
  {
    shows: 'pro rata: origins are dealt in the order of seed ids, then unknown, then clean',
    pools: 'address',
    ledger: `
      tx p  @clean 1 -> w 1
      seed bora 1 -> w
      seed anna 1 -> w
      tx t  w 1 -> @x 1
    `,
    says: { proRata: '@x: other 1 | w: anna 1, bora 1' },
  },
  {
    shows: 'pro rata: three outputs and the fee share one remainder (D26)',
    pools: 'output',
    ledger: `
      seed s 100
      tx t  s 100, x 200 -> a 101, b 99, c 97 fee 3
    `,
    // 33.67, 33, 32.33 and 1: the unit over goes to a.
    says: { proRata: 'a: s 34, unknown 67 | b: s 33, unknown 66 | c: s 32, unknown 65 | fee: s 1, other 2' },
  },
  {
    shows: 'an address seed is every payment it received, one label for all',
    pools: 'address',
    ledger: `
      seed v 3 -> w
      tx p  @clean 2 -> w 2
      seed v 4 -> w
      tx t  w 6 -> @x 6
    `,
    says: {
      fifo: '@x: v 4, other 2 | w: v 3',
      lifo: '@x: v 4, other 2 | w: v 3',
      proRata: '@x: v 5, other 1 | w: v 2, clean 1', // 7 × 6/9 = 4.67, 7 × 3/9 = 2.33
      ownFirst: '@x: v 4, other 2 | w: v 3',
      proceedsFirst: '@x: v 6 | w: v 1, clean 2',
    },
  },
  {
    shows: 'a conversion carries lots over in proportion, cut where the running total falls',
    pools: 'address',
    ledger: `
      seed s 3 -> w
      tx p  @clean 7 -> w 7
      swap x  w 10 -> @dex 5
    `,
    says: {
      fifo: '@dex: s 1, other 4', // up to 3 × 5/10 = 1.5: 1
      lifo: '@dex: s 2, other 3', // clean up to 7 × 5/10 = 3.5: 3, the rest is the seed's
      ownFirst: '@dex: s 2, other 3',
      proceedsFirst: '@dex: s 1, other 4',
      proRata: '@dex: s 2, other 3', // 1.5 and 3.5 tie: the lowest origin
    },
  },
  {
    shows: 'a conversion of proceeds alone is proceeds alone, and may be traced on',
    pools: 'address',
    ledger: `
      seed s 3
      swap x  s 3 -> s/wei 1000
      tx t  s/wei 1000 -> a/wei 999 fee 1
    `,
    says: { all: 'a/wei: s 999 | fee: s 1' },
  },
]
