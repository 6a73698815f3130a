import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CsvReader, guardCell, readCsv, unguardCell, writeCsvRow } from '../../src/csv.ts'
import { Fault } from '../../src/faults.ts'

const OPTIONS = { name: 'x.csv', fault: 'TAGS_INVALID' } as const

function read(text: string, more = {}): readonly (readonly string[])[] {
  const reader = new CsvReader({ ...OPTIONS, ...more })
  return [...reader.push(text), ...reader.end()].map(({ cells }) => cells)
}

function faultOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
  return 'no fault'
}

describe('RFC 4180', () => {
  test.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['\ufeffa,b\n', [['a', 'b']]],
    ['"a ""b""","c,d","e\nf"\n', [['a "b"', 'c,d', 'e\nf']]],
    [
      'a,\n,b\n',
      [
        ['a', ''],
        ['', 'b'],
      ],
    ],
    ['\n\na\n\n', [['a']]],
    ['""\n', [['']]],
    ['', []],
  ])('%j', (text, rows) => expect(read(text)).toEqual(rows))

  test.each([
    ['a\n"b', /TAGS_INVALID: x\.csv line 2: the quote of the row on line 2 is never closed/],
    ['a\nb"c\n', /line 2: a quote inside an unquoted cell/],
    ['"a"b\n', /line 1: text after a closing quote/],
    ['a\rb\n', /line 1: a carriage return without a line feed/],
  ])('%j is refused with its line', (text, says) => expect(faultOf(() => read(text))).toMatch(says))

  test('sizes have limits', () => {
    expect(faultOf(() => read('abcdef\n', { cellMax: 5 }))).toMatch(/LIMIT_EXCEEDED.*over 5 characters/)
    expect(faultOf(() => read('a,b,c\n', { cellsMax: 2 }))).toMatch(/LIMIT_EXCEEDED.*over 2 cells/)
    expect(faultOf(() => read('a\nb\nc\n', { rowsMax: 2 }))).toMatch(/LIMIT_EXCEEDED.*over 2 rows/)
  })

  test('rows know the line they begin on', () => {
    const reader = new CsvReader(OPTIONS)
    expect(reader.push('a\n"b\nc"\nd\n').map(({ line }) => line)).toEqual([1, 2, 4])
  })

  test('a carriage return and its line feed may come in different pieces', () => {
    const reader = new CsvReader(OPTIONS)
    const rows = [...'a,"b\r\n"\r\n,\r\n\r\nc\r\n'].flatMap((letter) => reader.push(letter))
    expect([...rows, ...reader.end()].map(({ cells }) => cells)).toEqual([['a', 'b\r\n'], ['', ''], ['c']])
    expect(faultOf(() => read('a\r'))).toMatch(/a carriage return without a line feed/)
  })

  test('bytes that are not UTF-8 are refused', async () => {
    const rows = async () => {
      for await (const row of readCsv(Uint8Array.from([97, 0xff, 10]), OPTIONS)) void row
    }
    await expect(rows()).rejects.toThrow('x.csv: the bytes are not UTF-8')
  })

  const cell = fc.string({ unit: fc.constantFrom(...'ab ,"\'=+-@\t\r\n한\u{1f600}') })
  const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 })

  test('what is written is read again, wherever the text is cut', async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 7 }), async (rows, size) => {
        const bytes = new TextEncoder().encode(rows.map(writeCsvRow).join(''))
        async function* pieces(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
        }
        const back: (readonly string[])[] = []
        for await (const { cells } of readCsv(pieces(), { ...OPTIONS, guarded: true })) back.push(cells)
        expect(back).toEqual(rows)
      }),
    )
  })

  test('no cell that is written begins as a formula, and each comes back', () => {
    fc.assert(
      fc.property(cell, (text) => {
        expect(guardCell(text)).not.toMatch(/^[=+\-@\t\r]/)
        expect(unguardCell(guardCell(text))).toBe(text)
      }),
    )
    expect(writeCsvRow(['=HYPERLINK("x")', '-1', "'=a", 'a=b'])).toBe('"\'=HYPERLINK(""x"")",\'-1,\'\'=a,a=b\n')
  })
})
