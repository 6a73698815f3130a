import type { Report } from './format.ts'

/** A report in a screenful: what was seeded, where it is, what could not be seen. */
export function tellSummary(report: Report, directory: string): string {
  const primary = (report.request as { method: { primary: string } }).method.primary
  const lines: string[] = []
  lines.push(`Case ${report.case || '(unnamed)'}: ${report.seeds.length} seeded payments, method ${primary}`, '')
  for (const { chain, asset } of assetsOf(report)) {
    const rows = report.conservation.filter(
      (row) => row.method === primary && row.chain === chain && row.asset === asset,
    )
    const total = (pick: (row: (typeof rows)[number]) => string) =>
      rows.reduce((sum, row) => sum + BigInt(pick(row)), 0n)
    lines.push(`${chain} ${asset}`)
    const tell = (label: string, amount: bigint) => {
      if (amount > 0n || label === 'seeded') lines.push(`  ${label.padEnd(22)}${amount.toString().padStart(24)}`)
    }
    tell(
      'seeded',
      total((row) => row.seeded),
    )
    tell(
      'at services',
      total((row) => row.sinks.service),
    )
    tell(
      'held',
      total((row) => row.sinks.holding),
    )
    tell(
      'mixers',
      total((row) => row.sinks.mixer),
    )
    tell(
      'bridges',
      total((row) => row.sinks.bridge),
    )
    tell(
      'burned',
      total((row) => row.sinks.burned),
    )
    tell(
      'fees',
      total((row) => row.sinks.fee),
    )
    for (const limit of ['hops', 'until', 'amount', 'transactions'] as const) {
      tell(
        `beyond limit ${limit}`,
        total((row) => row.sinks.horizon[limit]),
      )
    }
    tell(
      'unseen',
      total((row) => row.sinks.unseen),
    )
    lines.push('  (base units; every unit is accounted for)')
    for (const service of report.services) {
      if (service.all || service.chain !== chain || service.asset !== asset) continue
      const between = service.floor === null ? '' : `   at least ${service.floor}, at most ${service.ceiling}`
      lines.push(
        `  → ${service.name}: ${service.traced[primary]?.total ?? '0'} in ${service.endpoints.length} payments${between}`,
      )
    }
    lines.push('')
  }
  lines.push(`${report.endpoints.length} endpoints, ${report.holdings.length} holdings, ${report.gaps.length} gaps`)
  lines.push(
    `Picture: ${directory}/flow.svg`,
    `Report:  ${directory}/report.json`,
    `Check:   proceeds verify ${directory} && proceeds replay ${directory}`,
  )
  return `${lines.join('\n')}\n`
}

function assetsOf(report: Report): { chain: string; asset: string }[] {
  const found = new Map<string, { chain: string; asset: string }>()
  for (const { chain, asset } of report.conservation) found.set(`${chain} ${asset}`, { chain, asset })
  return [...found.values()]
}
