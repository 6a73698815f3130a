import { defineConfig } from 'vitest/config'

/** Rooms that start servers, open stores or set pages: slower than the core and the decoders, still without the built product. */
const SERVICE = [
  'test/src/http/**/*.test.ts',
  'test/src/store/**/*.test.ts',
  'test/src/report/**/*.test.ts',
  'test/src/server.test.ts',
  'test/src/contract.test.ts',
]
const setupFiles = ['test/support/setup.ts']

// unit: the core and the decoders; service: the rooms around them; whole: the built product, its servers and its real nodes.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/whole/**', ...SERVICE],
          isolate: false,
          setupFiles,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'service',
          include: SERVICE,
          isolate: false,
          setupFiles,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'whole',
          include: ['test/whole/**/*.test.ts'],
          setupFiles,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
