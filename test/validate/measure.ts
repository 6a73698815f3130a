import { type ClusterRules, clusterAddresses } from '../../graph/clusters.ts'
import type { Transaction, UtxoTransaction } from '../../graph/ledger.ts'
import {
  COINJOIN_PROTOCOLS,
  COINJOIN_RULE_NAMES,
  type CoinJoinRuleName,
  classifyCoinJoin,
} from '../../graph/rules/coinjoin.ts'
import { commonInputs, inputAddresses } from '../../graph/rules/common-input.ts'
import { DEPOSIT_PARAMETERS, findDepositAccounts } from '../../graph/rules/deposit.ts'
import { UnionFind } from '../../graph/union-find.ts'
import { readLedger, readPairs } from './fixtures.ts'
import { ACCOUNT_KINDS, ADDRESS_KINDS, makeAccounts, makeAddresses, makeWallets } from './generated.ts'
import { measurePosts } from './posts.ts'

/** Counts, and nothing else: what was measured, on what, with what limits. Rows and columns are in a fixed order. */
export interface Table {
  readonly id: string
  readonly title: string
  /** Where the labelled data comes from, and what its labels are worth. */
  readonly source: string
  readonly columns: readonly string[]
  readonly rows: readonly { readonly name: string; readonly counts: readonly number[] }[]
}

const LABELS = [
  'wasabi1',
  'wasabi2',
  'whirlpool',
  'whirlpool_tx0',
  'joinmarket_or_other',
  'not_coinjoin:wasabi1_postmix',
  'not_coinjoin:wasabi2_postmix',
  'not_coinjoin:whirlpool_postmix',
  'not_coinjoin:other_postmix',
] as const

export interface Labelled {
  readonly label: string
  readonly transaction: UtxoTransaction
}

/** The labelled transactions, read once for the tables that share them. */
export function readLabelled(): Labelled[] {
  const labels = readPairs('coinjoins.labels.csv')
  return readLedger('coinjoins.ledger.ndjson.gz').map((transaction) => ({
    // Where the scanner gave two labels, the first.
    label: labels.get(transaction.id)!.split('|')[0],
    transaction,
  }))
}

/** What clustering makes of a transaction: the protocol named, the guard that holds it apart, or neither. */
function verdictOf(transaction: UtxoTransaction): string {
  const protocol = classifyCoinJoin(transaction)?.protocol
  return protocol ?? commonInputs(transaction, true)?.excluded ?? 'neither'
}

const VERDICTS = [...COINJOIN_PROTOCOLS, 'payJoin', 'stonewall', 'neither']

function verdictRow(name: string, transactions: readonly UtxoTransaction[]) {
  const counts = VERDICTS.map(() => 0)
  for (const each of transactions) counts[VERDICTS.indexOf(verdictOf(each))]++
  return { name, counts: [transactions.length, ...counts] }
}

/** What the CoinJoin rules say of labelled real transactions, label by label. */
export function measureCoinJoins(labelled: readonly Labelled[]): Table {
  return {
    id: 'coinjoins',
    title: 'CoinJoin rules on labelled real transactions: verdicts by label',
    source:
      'Bitcoin main network, labels of the Dumplings scanner (crocs-muni/coinjoin-analysis). The labels are a scanner’s, not the truth: joinmarket_or_other and the postmix sets hold other kinds too',
    columns: ['transactions', ...VERDICTS],
    rows: LABELS.map((label) =>
      verdictRow(
        label,
        labelled.filter((each) => each.label === label).map(({ transaction }) => transaction),
      ),
    ),
  }
}

/** Each rule alone on the same transactions: how many of each label it finds. */
export function measureCoinJoinRules(labelled: readonly Labelled[]): Table {
  const found = (rules: readonly CoinJoinRuleName[]): number[] =>
    LABELS.map(
      (label) =>
        labelled.filter(
          (each) => each.label === label && classifyCoinJoin(each.transaction, undefined, rules) !== undefined,
        ).length,
    )
  return {
    id: 'coinJoinRules',
    title: 'Each CoinJoin rule alone: transactions found by label',
    source: 'As the table before; one row for each rule, then all together',
    columns: [...LABELS],
    rows: [
      { name: 'transactions', counts: LABELS.map((label) => labelled.filter((each) => each.label === label).length) },
      ...COINJOIN_RULE_NAMES.map((rule) => ({ name: rule, counts: found([rule]) })),
      { name: 'all rules', counts: found(COINJOIN_RULE_NAMES) },
    ],
  }
}

/** What must not be taken for a CoinJoin, and rounds whose payers are known for certain. */
export function measureHardCases(): Table {
  const shapes = readPairs('shapes.labels.csv')
  const shaped = readLedger('shapes.ledger.ndjson')
  const block = readLedger('block-300025.ledger.ndjson.gz').filter(({ coinbase }) => !coinbase)
  const payouts = block.filter(({ outputs }) => outputs.length >= 10)
  const unplaced = (transactions: readonly UtxoTransaction[]) =>
    transactions.map((each) => ({ ...each, height: undefined }))
  const rows = [
    verdictRow(
      'batch payout of 143 outputs',
      shaped.filter(({ id }) => shapes.get(id) === 'batch_payout'),
    ),
    verdictRow('payouts of ten outputs or more in block 300025 (2014, before the protocols)', payouts),
    verdictRow('the same, their heights withheld', unplaced(payouts)),
    verdictRow('all of block 300025, heights withheld', unplaced(block)),
  ]
  for (const kind of ['wasabi2', 'joinmarket']) {
    const owners = readPairs(`wallets-${kind}.owners.csv`)
    const known = readLedger(`wallets-${kind}.ledger.ndjson.gz`)
    const payers = (transaction: UtxoTransaction): number =>
      new Set(inputAddresses(transaction).flatMap((address) => owners.get(address) ?? [])).size
    rows.push(
      verdictRow(
        `emulated ${kind}: several owners pay`,
        known.filter((each) => payers(each) > 1),
      ),
      verdictRow(
        `emulated ${kind}: one owner pays`,
        known.filter((each) => payers(each) === 1),
      ),
    )
  }
  return {
    id: 'hardCases',
    title: 'CoinJoin rules where the truth is known: payouts that are none, rounds that are',
    source:
      'Copexit/am-i-exposed and bcoin-org/bcoin fixtures (real transactions); crocs-muni emulations (regtest chains, real wallet software, owners known)',
    columns: ['transactions', ...VERDICTS],
    rows,
  }
}

/** Pairs of addresses of known owners: joined rightly, joined wrongly, and of one owner yet left apart. */
function countPairs(owners: ReadonlyMap<string, string>, groups: readonly (readonly string[])[]): number[] {
  const pairs = (count: number): number => (count * (count - 1)) / 2
  const tally = (addresses: Iterable<string>): number[] => {
    const counts = new Map<string, number>()
    for (const address of addresses) {
      const owner = owners.get(address)
      if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1)
    }
    return [...counts.values()]
  }
  let right = 0
  let wrong = 0
  for (const members of groups) {
    const counts = tally(members)
    const own = counts.reduce((sum, count) => sum + pairs(count), 0)
    right += own
    wrong += pairs(counts.reduce((sum, count) => sum + count, 0)) - own
  }
  const all = tally(owners.keys()).reduce((sum, count) => sum + pairs(count), 0)
  return [owners.size, right, wrong, all - right]
}

/** Common inputs with nothing ruled out first: what the exclusion of CoinJoins is measured against. */
function naiveGroups(transactions: readonly UtxoTransaction[]): string[][] {
  const numbers = new Map<string, number>()
  const sets = new UnionFind()
  for (const transaction of transactions) {
    const members = inputAddresses(transaction).map((address) => {
      let number = numbers.get(address)
      if (number === undefined) numbers.set(address, (number = numbers.size))
      return number
    })
    sets.grow(numbers.size)
    for (const member of members) sets.union(members[0], member)
  }
  const groups = new Map<number, string[]>()
  for (const [address, number] of numbers) {
    const root = sets.find(number)
    groups.set(root, [...(groups.get(root) ?? []), address])
  }
  return [...groups.values()]
}

const CLUSTERINGS: readonly { readonly name: string; readonly rules: ClusterRules }[] = [
  // Change rules come last: the emulated chains, whose payments are nearly all mixes, say nothing of them.
  { name: 'common inputs', rules: { commonInput: true, change: [] } },
  { name: 'common inputs, guard down', rules: { commonInput: true, change: [], guard: false } },
  { name: 'and change: oneTime', rules: { commonInput: true, change: ['oneTime'] } },
  { name: 'and change: graphsenseOneTime', rules: { commonInput: true, change: ['graphsenseOneTime'] } },
  { name: 'and change: multiInput', rules: { commonInput: true, change: ['multiInput'] } },
  { name: 'and change: optimal', rules: { commonInput: true, change: ['optimal'] } },
  { name: 'and change: powerOfTen', rules: { commonInput: true, change: ['powerOfTen'] } },
  { name: 'and change: oneTime with optimal', rules: { commonInput: true, change: ['oneTime', 'optimal'] } },
  {
    name: 'and change: oneTime with optimal with powerOfTen',
    rules: { commonInput: true, change: ['oneTime', 'optimal', 'powerOfTen'] },
  },
]

/** Whom the clusters join rightly, wrongly and not at all, against wallets whose owners are known. */
export function measureClusters(): Table {
  const made = makeWallets()
  const sets = [
    ...['wasabi2', 'joinmarket'].map((kind) => ({
      name: `emulated ${kind}`,
      transactions: readLedger(`wallets-${kind}.ledger.ndjson.gz`),
      owners: readPairs(`wallets-${kind}.owners.csv`) as ReadonlyMap<string, string>,
    })),
    { name: 'made wallets', ...made },
  ]
  return {
    id: 'clusters',
    title: 'Cluster merges against wallets whose owners are known: pairs of addresses',
    source:
      'crocs-muni emulations (regtest chains, real wallet software) in which nearly every joint spend is a CoinJoin; and a ledger made by this program of 60 wallets with ordinary payments, batch payouts, PayJoins and CoinJoins, which shows the rules’ mechanics, not the world’s rates',
    columns: ['addresses', 'joined rightly', 'joined wrongly', 'of one owner, left apart'],
    rows: sets.flatMap(({ name, transactions, owners }) => [
      { name: `${name}: common inputs, CoinJoins not excluded`, counts: countPairs(owners, naiveGroups(transactions)) },
      ...CLUSTERINGS.filter(({ rules }) => rules.change.length === 0 || transactions === made.transactions).map(
        (each) => ({
          name: `${name}: ${each.name}`,
          counts: countPairs(
            owners,
            clusterAddresses(transactions, each.rules)
              .list()
              .map(({ members }) => members),
          ),
        }),
      ),
    ]),
  }
}

interface MadeLedger<Kind extends string> {
  readonly transactions: readonly Transaction[]
  readonly kinds: ReadonlyMap<string, Kind>
  readonly entities: ReadonlyMap<string, string>
  readonly tags: ReadonlyMap<string, string>
}

const DEPOSIT_COLUMNS = [
  'addresses',
  'found, right service',
  'found, wrong',
  'held apart, with reasons',
  'not spoken of',
]

function depositRows<Kind extends string>(names: readonly Kind[], made: MadeLedger<Kind>): Table['rows'] {
  const questions = { entityOf: (_: string, address: string) => made.tags.get(address) }
  const { accounts, heldApart } = findDepositAccounts(made.transactions, questions)
  const found = new Map(accounts.map(({ address, entity }) => [address, entity]))
  const apart = new Set(heldApart.map(({ address }) => address))
  return names.map((name) => {
    const counts = [0, 0, 0, 0, 0]
    for (const [address, kind] of made.kinds) {
      if (kind !== name) continue
      counts[0]++
      const entity = found.get(address)
      if (entity !== undefined) counts[entity === made.entities.get(address) ? 1 : 2]++
      else counts[apart.has(address) ? 3 : 4]++
    }
    return { name, counts }
  })
}

const MADE =
  'No public data set labels both deposit accounts and what resembles them, so these counts show the rule’s mechanics, not the world’s rates'

/** What the sweep rule says of made token accounts, kind by kind. */
export function measureSweeps(): Table {
  return {
    id: 'sweeps',
    title: `Deposit accounts by their sweeps (at least ${DEPOSIT_PARAMETERS.sweepsMin}), on made token accounts`,
    source: `A ledger made by this program: accounts of nine kinds, of which the first is a deposit account. ${MADE}`,
    columns: DEPOSIT_COLUMNS,
    rows: depositRows(ACCOUNT_KINDS, makeAccounts()),
  }
}

/** What the consolidation rule says of made addresses on a UTXO chain, kind by kind. */
export function measureConsolidations(): Table {
  return {
    id: 'consolidations',
    title: `Deposit addresses by consolidation (at least ${DEPOSIT_PARAMETERS.sweepsMin} transactions and ${DEPOSIT_PARAMETERS.consolidatedMin} addresses), on made addresses`,
    source: `A ledger made by this program: addresses of nine kinds, of which the first four are a service’s. ${MADE}`,
    columns: DEPOSIT_COLUMNS,
    rows: depositRows(ADDRESS_KINDS, makeAddresses()),
  }
}

/** All tables, in print order. */
export function measureAll(): Table[] {
  const labelled = readLabelled()
  return [
    measureCoinJoins(labelled),
    measureCoinJoinRules(labelled),
    measureHardCases(),
    measureClusters(),
    measureSweeps(),
    measureConsolidations(),
    ...measurePosts(),
  ]
}
