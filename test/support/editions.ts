import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeCaseFile } from '../../src/report/editions/case-file.ts'
import { type Facts, readFacts } from '../../src/report/editions/facts.ts'
import { bundleTexts, drawnBundle, writeBundle } from './bundle.ts'

export const USDT = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'

/** A case file for the drawn bundle with everything in it that a final report needs. */
export function drawnCase() {
  return {
    schema: 'proceeds-case/1',
    report: { id: 'TEST-1', version: '2', replaces: 'TEST-1 v1', issuedOn: '2020-02-01' },
    agency: {
      name: '서울지방공소청',
      unit: '범죄수익환수부',
      officer: '홍길동',
      email: 'h@agency.example',
      phone: '02-000-0000',
      reply: 'CSV',
      confidential: true,
    },
    caseNumber: '2026-형제-00001',
    author: { name: '김분석', role: '수사관', competence: '5년', steps: [{ who: '김분석', did: '추적' }] },
    legalBasis: [
      { statute: 'kr-drug', article: '34', order: '2026초기1', court: '서울중앙지방법원', date: '2026-10-05' },
    ],
    offence: {
      title: '마약류관리에관한법률위반(향정)',
      provision: '마약류관리법 60(1)1',
      summary: '텔레그램으로 판매',
      from: '2019-12-01',
      until: '2020-01-01',
      accusedUnknown: '성명불상',
      confiscationProvision: '마약거래방지법 13',
    },
    recipients: [
      {
        service: 'exchange-24',
        legalEntity: 'Exchange One Ltd',
        brand: 'One',
        source: 'VASP list',
        checkedOn: '2020-01-20',
        actions: ['preserve', 'hold', 'disclose', 'attach'],
        expiresOn: '2020-03-01',
        periodFrom: '2019-12-01',
        periodUntil: '2020-01-31',
        records: [],
        accounts: [],
      },
      {
        service: 'Tether',
        legalEntity: 'Tether Operations',
        actions: ['blacklist'],
        expiresOn: '2020-03-01',
        records: [],
        accounts: [],
      },
    ],
    prices: [
      {
        chain: 'tron',
        asset: USDT,
        currency: 'KRW',
        price: '1157.5',
        day: '2020-01-01',
        source: '한국은행 2020-01-01',
      },
      { chain: 'bitcoin', asset: 'native', currency: 'KRW', price: '8300000', day: '2020-01-01', source: 'sample' },
    ],
    balances: [
      {
        chain: 'tron',
        asset: USDT,
        address: 'T-friend',
        amount: '900',
        at: '2020-01-02T00:00:00Z',
        source: 'node',
        blacklisted: false,
      },
    ],
    seeds: [
      {
        seed: 'buy-1',
        how: 'controlledBuy',
        exhibit: 'EX-1',
        role: 'sellerReceipt',
        who: '홍길동',
        when: '2020-01-01T00:00:00Z',
      },
      { seed: 'deal-2', how: 'device', exhibit: 'EX-2', role: 'sellerReceipt' },
    ],
    derivations: [{ row: 'E1', class: 'mixed', why: '혼합' }],
    clocks: [{ clock: 'kr-cpa-preservation', start: '2020-01-10T00:00:00Z', extended: 0 }],
    custody: [{ at: '2020-01-05T00:00:00Z', who: '홍길동', what: '원장 취득' }],
    alternatives: [{ explanation: '거래소 내부이체', examined: '표지', result: '아님' }],
    thirdParties: [{ address: 'T-friend', since: '2020-01-01', knowledge: '진술' }],
    overlaps: [],
    answers: Object.fromEntries(
      [
        'B05',
        'B06',
        'B07',
        'B08',
        'B09',
        'B10',
        'B12',
        'B16',
        'B17',
        'B18',
        'B19',
        'B20',
        'B21',
        'B22',
        'B31',
        'B37',
        'B40',
      ].map((id) => [id, '확인함']),
    ),
  }
}

/** Facts of the drawn bundle, written into a new directory. */
export async function drawnFacts(
  caseValue: unknown = drawnCase(),
): Promise<{ readonly facts: Facts; readonly directory: string }> {
  const directory = join(await mkdtemp(join(tmpdir(), 'editions-')), 'bundle')
  await writeBundle(directory, bundleTexts(drawnBundle()))
  const text = JSON.stringify(caseValue)
  return { facts: await readFacts(directory, decodeCaseFile(caseValue), text), directory }
}
