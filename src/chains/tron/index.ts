/** The one door into this room: TRON to `Transaction`s. */
export { TronGrid, type TronGridOptions } from './grid.ts'
export { TronNode, type TronNodeOptions, tronAddress } from './node.ts'
