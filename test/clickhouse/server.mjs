// One real ClickHouse server, out of the library that the npm package chdb carries: `node server.mjs DIRECTORY TCP_PORT HTTP_PORT`.
// It listens on loopback only and asks for no password: a server for tests. SIGTERM ends it.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { DataType, load, open } from 'ffi-rs'

const [directory, tcpPort, httpPort] = process.argv.slice(2)
const platform = `${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`
const library = join(
  dirname(createRequire(import.meta.url).resolve(`@chdb/lib-${platform}/package.json`)),
  'libchdb.so',
)
const argv = [
  'clickhouse',
  '--multiquery',
  `--path=${directory}`,
  '--listen_host=127.0.0.1',
  `--tcp_port=${tcpPort}`,
  `--http_port=${httpPort}`,
  '--query=SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT sleepEachRow(1) FROM system.numbers FORMAT Null SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0',
]
open({ library: 'chdb', path: library })
load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [argv.length, argv],
})
