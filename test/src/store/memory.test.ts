import { MemoryStore } from '../../../src/store/memory.ts'
import { describeStore } from './conformance.ts'

describeStore({
  name: 'memory',
  create: async (options) => new MemoryStore(options),
  disturb: async (store) => store,
  runs: 100,
})
