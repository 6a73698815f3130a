import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../anvil/', import.meta.url))
const binary = `${folder}node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil`

/** A real EVM node on the loopback, with ten funded accounts; installed where it is not there yet. */
export class Anvil {
  readonly url: string
  readonly #process: ChildProcess

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#process = child
  }

  static async start(): Promise<Anvil> {
    if (!existsSync(binary)) {
      const { status, stderr } = spawnSync(
        'npm',
        ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder],
        {
          encoding: 'utf8',
          timeout: 120_000,
        },
      )
      if (status !== 0 || !existsSync(binary)) throw new Error(`anvil could not be installed: ${stderr}`)
    }
    const port = await freePort()
    const child = spawn(binary, ['--port', String(port), '--silent', '--order', 'fifo'], { stdio: 'ignore' })
    const anvil = new Anvil(`http://127.0.0.1:${port}`, child)
    for (let tries = 0; ; tries++) {
      try {
        await anvil.call('eth_chainId')
        return anvil
      } catch (error) {
        if (tries === 100 || child.exitCode !== null) throw error
        await new Promise((done) => setTimeout(done, 100))
      }
    }
  }

  async call<Result = string>(method: string, ...params: unknown[]): Promise<Result> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    const { result, error } = (await response.json()) as { result: Result; error?: { message: string } }
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result
  }

  /** Sends from one of its own accounts; answers with the id once it is in a block (or waits, where mining is off). */
  async send(transaction: { from: string; to?: string; value?: bigint; data?: string; gas?: number }): Promise<string> {
    const { value, gas, ...rest } = transaction
    const id = await this.call('eth_sendTransaction', {
      ...rest,
      ...(gas === undefined ? {} : { gas: `0x${gas.toString(16)}` }),
      value: `0x${(value ?? 0n).toString(16)}`,
    })
    // The node answers before it has mined. Where mining is off, whoever switched it off mines.
    if (!(await this.call<boolean>('anvil_getAutomine'))) return id
    for (let tries = 0; (await this.call<unknown>('eth_getTransactionReceipt', id)) === null; tries++) {
      if (tries === 400) throw new Error(`${id} did not come into a block`)
      await new Promise((done) => setTimeout(done, 25))
    }
    return id
  }

  /** Puts code on the chain; answers with its address. */
  async deploy(from: string, data: string): Promise<string> {
    const id = await this.send({ from, data })
    const { contractAddress } = await this.call<{ contractAddress: string }>('eth_getTransactionReceipt', id)
    return contractAddress
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.#process.once('exit', done))
    this.#process.kill()
    await ended
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

const OPCODES: Readonly<Record<string, number>> = {
  STOP: 0x00, ADD: 0x01, SUB: 0x03, LT: 0x10, EQ: 0x14, SHR: 0x1c, CALLER: 0x33, CALLVALUE: 0x34, CALLDATALOAD: 0x35,
  CODECOPY: 0x39, MSTORE: 0x52, SLOAD: 0x54, SSTORE: 0x55, JUMPI: 0x57, GAS: 0x5a, JUMPDEST: 0x5b, DUP1: 0x80, DUP2: 0x81,
  DUP3: 0x82, SWAP1: 0x90, LOG3: 0xa3, CALL: 0xf1, RETURN: 0xf3, REVERT: 0xfd,
} // biome-ignore format: a table

/** Assembles EVM code: opcodes by name, `0x…` is pushed, `:name` is a place to jump to, `@name` pushes it. */
function assemble(text: string): string {
  const words = text.trim().split(/\s+/)
  const places = new Map<string, number>()
  let code = ''
  for (const pass of [1, 2]) {
    code = ''
    for (const word of words) {
      if (word.startsWith(':')) {
        places.set(word.slice(1), code.length / 2)
        code += '5b'
      } else if (word.startsWith('@')) code += `61${(places.get(word.slice(1)) ?? 0).toString(16).padStart(4, '0')}`
      else if (word.startsWith('0x')) code += (0x5f + (word.length - 2) / 2).toString(16) + word.slice(2)
      else {
        const opcode = OPCODES[word]
        if (opcode === undefined) throw new Error(`no opcode ${word} in pass ${pass}`)
        code += opcode.toString(16).padStart(2, '0')
      }
    }
  }
  return code
}

/** Code that puts a runtime on the chain, after doing something else. */
function creation(before: string, runtime: string): string {
  const size = `0x${(runtime.length / 2).toString(16).padStart(4, '0')}`
  const tail = (at: number) =>
    assemble(`${before} ${size} 0x${at.toString(16).padStart(4, '0')} 0x00 CODECOPY ${size} 0x00 RETURN`)
  return `0x${tail(tail(0).length / 2)}${runtime}`
}

const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

/** A token of ERC-20's transfer, symbol and decimals: a balance lies in the storage slot of its holder's address. Mints 10^9 to its maker. */
export const TOKEN_CODE = creation(
  `0x3b9aca00 CALLER SSTORE
   0x3b9aca00 0x00 MSTORE CALLER 0x00 ${TRANSFER} 0x20 0x00 LOG3`,
  assemble(`
    0x00 CALLDATALOAD 0xe0 SHR
    DUP1 0xa9059cbb EQ @transfer JUMPI
    DUP1 0x313ce567 EQ @decimals JUMPI
    DUP1 0x95d89b41 EQ @symbol JUMPI
    :fail 0x00 0x00 REVERT
    :transfer
      0x24 CALLDATALOAD CALLER SLOAD
      DUP2 DUP2 LT @fail JUMPI
      DUP2 SWAP1 SUB CALLER SSTORE
      0x04 CALLDATALOAD DUP1 SLOAD DUP3 ADD DUP2 SSTORE
      DUP2 0x00 MSTORE
      CALLER ${TRANSFER} 0x20 0x00 LOG3
      0x01 0x00 MSTORE 0x20 0x00 RETURN
    :decimals 0x06 0x00 MSTORE 0x20 0x00 RETURN
    :symbol 0x${Buffer.from('TOK').toString('hex').padEnd(64, '0')} 0x00 MSTORE 0x20 0x00 RETURN
  `),
)

/** Sends what it is paid on to the address in its input: coin that moves inside a transaction. */
export const FORWARDER_CODE = creation('', assemble('0x00 0x00 0x00 0x00 CALLVALUE 0x00 CALLDATALOAD GAS CALL STOP'))

const word = (hex: string) => hex.replace(/^0x/, '').toLowerCase().padStart(64, '0')

/** The input of a token's transfer. */
export function transferInput(to: string, amount: bigint): string {
  return `0xa9059cbb${word(to)}${word(amount.toString(16))}`
}

/** The input of the forwarder. */
export function forwardInput(to: string): string {
  return `0x${word(to)}`
}
