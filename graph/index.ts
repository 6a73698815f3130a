/** The one door into the core. */
export * from './amount.ts'
export * from './check.ts'
export * from './entries.ts'
export * from './flow-view.ts'
export * from './journal.ts'
export * from './ledger.ts'
export * from './methods/index.ts'
export * from './taint.ts'
