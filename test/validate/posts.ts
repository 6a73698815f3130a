/**
 * Made posts whose truth is known: what an advertisement looks like, what resembles one, and how addresses are hidden in both. Written for
 * this measurement by hand, from how such posts are described in public; no real post, channel or person is in them.
 */
import { createHash } from 'node:crypto'
import { address as bitcoin } from 'bitcoinjs-lib'
import { getAddress } from 'ethers'
import { canonicalAddress } from '../../src/chains/address.ts'
import { examinePost, ProposalBook } from '../../src/tags/posts/propose.ts'
import type { Post } from '../../src/tags/posts/read.ts'
import type { Table } from './measure.ts'

const CHAINS = ['tron', 'bitcoin', 'ethereum', 'litecoin', 'dogecoin', 'bitcoin-cash', 'taproot', 'segwit'] as const

/** An address of a chain, made from a number: its checksum is right, its key is nobody's. */
function makeAddress(kind: (typeof CHAINS)[number], number: number): { chain: string; address: string } {
  const bytes = createHash('sha256').update(`${kind} ${number}`).digest()
  const short = bytes.subarray(0, 20)
  if (kind === 'tron') return { chain: 'tron', address: bitcoin.toBase58Check(short, 0x41) }
  if (kind === 'bitcoin') return { chain: 'bitcoin', address: bitcoin.toBase58Check(short, number % 2 === 0 ? 0 : 5) }
  if (kind === 'litecoin') return { chain: 'litecoin', address: bitcoin.toBase58Check(short, 0x30) }
  if (kind === 'dogecoin') return { chain: 'dogecoin', address: bitcoin.toBase58Check(short, 0x1e) }
  if (kind === 'ethereum') return { chain: 'ethereum', address: getAddress(`0x${short.toString('hex')}`) }
  if (kind === 'segwit') return { chain: 'bitcoin', address: bitcoin.toBech32(short, 0, 'bc') }
  if (kind === 'taproot') return { chain: 'bitcoin', address: bitcoin.toBech32(bytes, 1, 'bc') }
  const address = canonicalAddress('bitcoin-cash', bitcoin.toBase58Check(short, 0)) as string
  return { chain: 'bitcoin-cash', address }
}

interface Kind {
  readonly name: string
  /** Whether its addresses are to be proposed. */
  readonly sells: boolean
  /** Whether what stands at `{A}` is an address still: else it is only to be suspected, or is none. */
  readonly isAddress: boolean
  readonly templates: readonly string[]
  /** How the address is written; as it is where left out. */
  readonly write?: (address: string, number: number) => string
}

const at = (text: string, place: number, put: string, drop = 0): string =>
  text.slice(0, place) + put + text.slice(place + drop)

const SALES_KO = [
  '☆얼음창고☆ 아이스 작대기 판매중\n서울 경기 던지기 당일가능 0.5g 25 1g 45\n입금 확인 후 좌표 발송\n지갑주소 {A}\n텔레 @xx',
  '떨 액상 팝니다. 5그람부터. 드랍 완료된 물건만 취급, 선드랍. 코인 결제만 받습니다 {A}',
  '캔디 10정 / 케타 5g / 엘 20장 재고 있음. 비대면 거래, 좌표거래. USDT 입금 {A} 후 인증샷',
  '필로폰 A급 입고. 부산 대구 전지역 던지기. 비트코인 {A} 로 보내시고 스샷 주세요',
  '대마초 고퀄 하이브리드 1g 13 / 5g 55. 묻어둔 자리 바로 안내. 입금주소:{A}',
  '물뽕 졸피뎀 구매 문의 텔 ㅇㅇ. 안전거래 보안철저. 코인입금 {A}',
  '코인대행 합니다 수수료 10프로. 판매자한테 바로 전송. 무통장 입금 → {A} 에서 나갑니다. 떨 아이스 사장님들 환영',
  '브액 2ml 카트리지 20. 전국 드롭. 결제: {A} (TRC20)',
]
const SALES_EN = [
  'Pure crystal meth, 1g $70 / 3.5g $220 / 1oz $1400. Vacuum sealed, mylar, stealth shipping from NL. BTC: {A}',
  'Top shelf weed and THC carts in stock. US domestic. 28g 180. Payment in BTC only to {A}. No meetups',
  'Colombian cocaine 92%. 5g 350, 10g 650. FE only for new buyers. PGP in profile. Wallet {A}',
  'Fentanyl powder and oxy 30s, 100 pills min order. Crypto only. Send payment to {A} then message order id',
  'MDMA crystals champagne, ketamine needles. Discreet packaging worldwide. Pay {A}',
  'LSD tabs 220ug, 2cb pills, shrooms. Price list in channel. Dead drop in Berlin, coordinates after payment {A}',
  'Heroin #4 and black tar. escrow on market, direct deal 10% off. USDT TRC20 {A}',
]
const SALES_UNKNOWN = [
  '시원한 거 있습니다 강남 역삼 30분. 한 개 45. {A}',
  '초록이 신선합니다. 물건 사진 보고 연락. 입금 {A}',
  'snow in the city, 1 for 80, 3 for 200. hit my line. {A}',
  'party packs for the weekend, same quality as last time. {A}',
]
const BUYERS = [
  '떨 구합니다 서울. 파실 분 연락. 제 지갑은 {A} 이고 코인 충전돼있음',
  '아이스 1g 사고싶은데 딜러 구함. 코인 보낼 지갑 {A}',
  '여기서 케타 샀는데 먹튀 당함. 내가 보낸 주소 {A} 환불 요구중',
  'WTB 10g of ketamine, paying from {A}. Serious vendors only',
  'Got scammed. I ordered 5g of coke, i sent the payment from {A} and it never arrived',
  'Where can I buy weed here? refund address {A}',
]
const REPORTS = [
  '경찰은 텔레그램 채널에서 필로폰을 던지기 수법으로 판매한 일당 5명을 검거해 구속했다. 이들이 쓴 지갑은 {A} 로 확인됐다',
  '관세청, 케타민 10kg 밀수 적발. 검찰은 가상자산 지갑 {A} 를 압수했다고 밝혔다',
  '마약 예방 캠페인: 대마초, 엑스터시 유혹에 속지 마세요. 상담 1899-0893. 후원계좌 {A}',
  'Prosecutors said the defendant sold methamphetamine and was arrested in May; police seized coins at {A}',
  'Researchers published a study of fentanyl vendors. News article, data set donation {A}',
  'Harm reduction and rehab: free ketamine addiction treatment. Donate {A}',
]
const OTHERS = [
  '길고양이 사료 후원 부탁드립니다. {A}',
  '아이스 아메리카노 2000원, 캔디 선물세트 판매합니다. 택배 전국. 결제 {A}',
  '에어드랍 이벤트! 지갑주소 남겨주세요. 예시 {A}',
  '수강신청 드랍한 과목 좌표 아시는 분? 커피 한잔 보내주실 분 {A}',
  '공지: 입금 주소가 {A} 로 변경되었습니다. 거래소 고객센터',
  '강아지가 천둥에 떨고 있어요. 치료비 모금 {A}',
  'Ice cream truck for hire, 5 pounds a cone, candy and coke included. Tips {A}',
  'Open source software vendor. Menu: hosting, domains. Pay invoices at {A}',
  'Our mining pool pays out weekly from {A}. Hash rate 3 EH/s',
  'Seaweed snacks restocked, 12 oz bags, worldwide shipping. Wallet {A}',
  'Escrow for your house: send the deposit to {A} and our agent calls you',
]

const KINDS: readonly Kind[] = [
  { name: 'sale, in Korean', sells: true, isAddress: true, templates: SALES_KO },
  { name: 'sale, in English', sells: true, isAddress: true, templates: SALES_EN },
  {
    name: 'sale, a hidden character in the address',
    sells: true,
    isAddress: true,
    templates: [...SALES_KO, ...SALES_EN],
    write: (text, i) => at(text, 5 + (i % 20), ['\u200b', '\u2060', '\u00ad', '\u202e'][i % 4]),
  },
  {
    name: 'sale, the address in pieces',
    sells: true,
    isAddress: true,
    templates: [...SALES_KO, ...SALES_EN],
    write: (text, i) => (i % 2 === 0 ? text.replace(/(.{4})/g, '$1 ').trim() : at(text, 6 + (i % 20), '\n')),
  },
  {
    name: 'sale, words marked apart',
    sells: true,
    isAddress: true,
    templates: SALES_KO.map((text) => text.replace(/던지기|아이스|필로폰|대마초|좌표/g, (word) => [...word].join('.'))),
  },
  { name: 'sale, in words the lexicon does not have', sells: true, isAddress: true, templates: SALES_UNKNOWN },
  { name: 'a buyer’s post', sells: false, isAddress: true, templates: BUYERS },
  { name: 'news, courts, prevention, research', sells: false, isAddress: true, templates: REPORTS },
  { name: 'donations, shops, notices', sells: false, isAddress: true, templates: OTHERS },
  {
    name: 'sale, one letter of the address misread',
    sells: false,
    isAddress: false,
    templates: [...SALES_KO, ...SALES_EN],
    write: (text, i) => misread(text, i),
  },
  {
    name: 'sale, one letter of another script',
    sells: false,
    isAddress: false,
    templates: [...SALES_KO, ...SALES_EN],
    write: (text) => text.replace(/[aceopxATKMHE]/, (letter) => HOMOGLYPHS[letter]),
  },
  {
    name: 'sale, a transaction’s id instead of an address',
    sells: false,
    isAddress: false,
    templates: [...SALES_KO, ...SALES_EN],
    write: (_, i) => `${i % 2 === 0 ? '0x' : ''}${createHash('sha256').update(String(i)).digest('hex')}`,
  },
]
const HOMOGLYPHS: Readonly<Record<string, string>> = {
  ...{ a: 'а', c: 'с', e: 'е', o: 'о', p: 'р', x: 'х', A: 'А', T: 'Т', K: 'К', M: 'М', H: 'Н', E: 'Е' },
}

/** Another letter of the same alphabet, so that only the checksum knows. */
function misread(text: string, number: number): string {
  for (let tries = 0; tries < text.length; tries++) {
    const place = 8 + ((number * 7 + tries) % (text.length - 8))
    const letter = text[place]
    const other = /[0-9]/.test(letter)
      ? String((Number(letter) % 8) + 2)
      : letter === 'a' || letter === 'A'
        ? undefined
        : /[A-F]/.test(letter)
          ? 'A'
          : 'a'
    if (other !== undefined && other !== letter) return at(text, place, other, 1)
  }
  return text
}

const ROUNDS = 24

interface Made {
  readonly kind: Kind
  readonly post: Post
  readonly chain: string
  readonly address: string
}

/** The posts: each template with addresses of every chain, 24 to a kind or more. */
function makePosts(): Made[] {
  const made: Made[] = []
  for (const kind of KINDS) {
    const rounds = Math.max(ROUNDS, kind.templates.length)
    for (let i = 0; i < rounds; i++) {
      const { chain, address } = makeAddress(CHAINS[i % CHAINS.length], made.length)
      const written = address.replace('bitcoincash:', '')
      const body = kind.templates[i % kind.templates.length]
      const text = body.replace('{A}', kind.write ? kind.write(written, i) : written)
      const sha256 = createHash('sha256').update(text).digest('hex')
      const place = {
        channel: `made-${i % 5}`,
        id: String(i),
        time: undefined,
        url: undefined,
        reference: `made#${made.length}`,
      }
      made.push({ kind, chain, address, post: { ...place, text, sha256 } })
    }
  }
  return made
}

const SOURCE =
  'Posts made for this measurement, 24 of a kind, with addresses of eight writings whose keys are nobody’s. They show what the rules do with each kind, not how often real posts are of it; the words are of this project’s own choosing, so a real channel will be found less well'

/** Addresses found in made posts, and what of them is proposed. */
export function measurePosts(): Table[] {
  const made = makePosts()
  const found: Table['rows'][number][] = []
  const proposed: Table['rows'][number][] = []
  for (const kind of KINDS) {
    const own = made.filter((each) => each.kind === kind)
    let [right, wrong, suspected, rightly, wrongly] = [0, 0, 0, 0, 0]
    for (const { post, address } of own) {
      const findings = examinePost(post, { sha256: '0'.repeat(64), captured: 0 })
      const addresses = findings?.addresses ?? []
      // EVM chains share their writing; which of them is meant is another question.
      const isFound = kind.isAddress && addresses.some((each) => each.address === address)
      if (isFound) right++
      wrong += addresses.filter((each) => !kind.isAddress || each.address !== address).length
      if (!isFound && (findings?.suspicions.length ?? 0) > 0) suspected++
      const book = new ProposalBook()
      if (findings) book.add(findings)
      const { proposals } = book.answer()
      if (proposals.some((each) => each.address === address) && kind.sells) rightly++
      wrongly += proposals.filter((each) => each.address !== address || !kind.sells).length
    }
    const there = kind.isAddress ? own.length : 0
    found.push({ name: kind.name, counts: [own.length, there, right, there - right, wrong, suspected] })
    const wanted = kind.sells ? own.length : 0
    proposed.push({ name: kind.name, counts: [own.length, wanted, rightly, wanted - rightly, wrongly] })
  }
  const sum = (rows: Table['rows']) => ({
    name: 'all',
    counts: rows[0].counts.map((_, i) => rows.reduce((total, { counts }) => total + counts[i], 0)),
  })
  return [
    {
      id: 'postAddresses',
      title: 'Addresses found in made posts',
      source: SOURCE,
      columns: ['posts', 'addresses in them', 'found', 'missed', 'found where there is none', 'only suspected'],
      rows: [...found, sum(found)],
    },
    {
      id: 'postProposals',
      title: 'Tags proposed from made posts',
      source: SOURCE,
      columns: ['posts', 'to be proposed', 'proposed rightly', 'missed', 'proposed wrongly'],
      rows: [...proposed, sum(proposed)],
    },
  ]
}
