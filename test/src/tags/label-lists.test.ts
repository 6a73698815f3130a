import { describe, expect, test } from 'vitest'
import { loadTags } from '../../../src/tags/load.ts'

const A = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const B = '0xdAC17F958D2ee523a2206206994597C13D831ec7'
const TRON = 'TWd7KM71dbERdzyRwcowHEDwjmPYPcwTvn'

async function load(...files: { name: string; text: string; folder?: string }[]) {
  const { tags, rejected, packs } = await loadTags(
    files.map(({ text, ...rest }) => ({ ...rest, bytes: new TextEncoder().encode(text) })),
    { strict: false },
  )
  const told = tags.map(({ chain, address, label, category, entity }) =>
    [chain, address, label, category, entity ?? ''].join('|'),
  )
  return { tags, told, rejected, packs }
}

describe('public label lists', () => {
  test('an explorer’s JSON: what its labels mean, the service they name, and what they do not say', async () => {
    const text = JSON.stringify({
      [A.toLowerCase()]: { name: 'Upbit: Cold Wallet', labels: ['exchange', 'upbit'] },
      [B.toLowerCase()]: { name: 'Tether', labels: ['token-contract', 'old-contract'] },
      '0x0000000000000000000000000000000000000001': { name: 'Fake_Phishing1', labels: ['phish-hack', 'upbit'] },
      '0x0000000000000000000000000000000000000002': { name: '', labels: ['old-contract'] },
      '0x0000000000000000000000000000000000000003': { name: 'x', labels: 'exchange' },
      '0x12': { name: 'x', labels: ['exchange'] },
    })
    const { told, rejected, tags } = await load({ name: 'etherscan.combinedAccountLabels.json', text })
    expect(told).toEqual([
      `ethereum|${A}|Upbit: Cold Wallet|exchange|upbit`,
      `ethereum|${B}|Tether|token_contract|`,
      'ethereum|0x0000000000000000000000000000000000000001|Fake_Phishing1|phishing|',
      'ethereum|0x0000000000000000000000000000000000000002|old-contract|unknown|',
    ])
    expect(rejected.map(({ line }) => line)).toEqual([5, 6])
    expect(tags[1].evidence).toContain('token-contract, old-contract')
    expect((await load({ name: 'bscscan.x.json', text })).told[0]).toMatch(/^bsc\|/)
    await expect(load({ name: 'labels.json', text })).rejects.toThrow(/TAGS_INVALID.*its chain is not known/)
  })

  test('an explorer’s CSV of one service', async () => {
    const text = `,Address,Name Tag,Balance,Txn Count\n0,${A.toLowerCase()},Bithumb: Old Address 4,"1,000 ETH",5\n1,0x12,Bithumb,0,0\n`
    const { told, rejected } = await load({ name: 'etherscan.bithumb.csv', text })
    expect(told).toEqual([`ethereum|${A}|Bithumb: Old Address 4|exchange|bithumb`])
    expect(rejected).toMatchObject([{ line: 3 }])
    expect((await load({ name: 'wallets.csv', text })).rejected[0].reason).toMatch(/does not say which chain/)
  })

  test('Forta’s three tables; the folder says the chain', async () => {
    const phishing = `address,etherscan_tag,etherscan_labels,is_contract\n${A.toLowerCase()},Fake_Phishing1,phish-hack,False\n`
    const contracts = `contract_address,contract_tag,contract_creator,contract_creation_tx,contract_creator_tag,source,notes,contract_creator_etherscan_label\n${A.toLowerCase()},,${B.toLowerCase()},0xab,,Luabase,,heist\n`
    const banned = `banned_address,wallet_tag,data_source\n${A.toLowerCase()},Fake_Phishing2,etherscan-exploit-list\n`
    const { told } = await load(
      { name: 'a.csv', text: phishing, folder: '1' },
      { name: 'b.csv', text: contracts, folder: '10' },
      { name: 'c.csv', text: banned, folder: '999' },
    )
    expect(told).toEqual([
      `ethereum|${A}|Fake_Phishing1|phishing|`,
      `optimism|${A}|Malicious contract|service_hack|`,
      `optimism|${B}|Creator of ${A.toLowerCase()}|service_hack|`,
      `eip155:999|${A}|Fake_Phishing2|hacking|`,
    ])
    expect((await load({ name: 'a.csv', text: phishing, folder: 'labels' })).rejected).toHaveLength(1)
  })

  test('exchange wallets: chains by their names here and there, and none guessed', async () => {
    const text = `exchange,chain,address,validation,source_file\nkorbit,avax,${A},x,a.js\nsome-exchange,?,${TRON},x,a.js\nsome-exchange,?,1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa,x,a.js\nkorbit,tron,${TRON}x,x,a.js\nkorbit,cardano,addr1abcdefghijk,x,a.js\nkorbit,cardano,has blank,x,a.js\n`
    const { told, rejected } = await load({ name: 'w.csv', text })
    expect(told).toEqual([
      `avalanche|${A}|korbit|exchange|korbit`,
      `tron|${TRON}|some-exchange|exchange|some-exchange`,
      'cardano|addr1abcdefghijk|korbit|exchange|korbit',
    ])
    expect(rejected.map(({ line }) => line)).toEqual([4, 5, 7])
  })

  test('seizure orders end when their table says so; an account at an exchange is no address', async () => {
    const orders = `seizure_order,wallet_or_account_id,kind,asset_as_listed\n18/26,${TRON},tron,\n18/26,88123456,exchange-account-id,\n1/21,${A},evm,USDT\n53/25,${TRON},tron,\n`
    const releases =
      'סוג,תאריך עדכון,תוקף הצו\nצ.ת 18/26 של שר הביטחון,01.07.2026,01.07.2028\nצ.ת 53/25 של שר,24.11.2025,צו חילוט (צח 14/26)\nנספח,x,-\n'
    const { tags, told, rejected, packs } = await load(
      { name: 'o.csv', text: orders },
      { name: 'r.csv', text: releases },
    )
    expect(told).toEqual([
      `tron|${TRON}|NBCTF seizure order 18/26|seizure|`,
      `ethereum|${A}|NBCTF seizure order 1/21|seizure|`,
      `tron|${TRON}|NBCTF seizure order 53/25|seizure|`,
    ])
    expect(tags[0].validTo).toBe(Date.UTC(2028, 6, 2) / 1000)
    expect(tags[0].evidence).toMatch(/updated 2026-07-01, in force until 2028-07-01/)
    expect(tags[2].validTo).toBeUndefined()
    expect(tags[2].evidence).toMatch(/forfeiture order 14\/26/)
    expect(rejected).toMatchObject(
      [{ name: 'o.csv', line: 3, reason: /account at an exchange/ }].map(({ name, line }) => ({ name, line })),
    )
    expect(rejected[0].reason).toMatch(/account at an exchange/)
    expect(packs).toHaveLength(2)
  })
})
