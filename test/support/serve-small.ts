import { readConfig } from '../../src/config.ts'
import { closeOnSignals, startServer } from '../../src/server.ts'
import { threadRunner } from '../../src/work/runner.ts'

// A service in a process of its own, to be killed: tracing threads with the stand-in for the engine.
const config = readConfig()
const file = new URL('./small-worker.js', import.meta.url)
const runner = threadRunner({ file, threads: config.concurrency, memoryMib: config.traceMemoryMib })
const server = await startServer({ config, checkRequest: () => {}, runner })
closeOnSignals(server)
process.stdout.write(`url ${server.url}\n`)
