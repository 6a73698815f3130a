import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import {
  type Actor,
  type ActorList,
  buildActorBook,
  parseActorPack,
  readActorList,
  shippedActors,
} from '../../../src/tags/actors.ts'
import { CATEGORIES, readTagData } from '../../../src/tags/categories.ts'

const actor = (fields: Partial<Actor> & { id: string }): Actor => ({
  label: fields.id,
  legalEntity: undefined,
  jurisdictions: [],
  kinds: [],
  website: undefined,
  aliases: [],
  contact: undefined,
  ...fields,
})
const list = (asOf: string, ...actors: Actor[]): ActorList => ({ name: asOf, asOf, source: 's', actors })

describe('the shipped actors', () => {
  const book = buildActorBook([shippedActors()])

  test('say what their source says, and no more', () => {
    expect(book.findActor('korbit')).toMatchObject({
      label: 'Korbit',
      legalEntity: 'Korbit, Inc',
      jurisdictions: ['KR'],
      kinds: ['organization', 'exchange'],
      website: 'korbit.co.kr',
      contact: undefined,
      list: { name: 'proceeds-actors', asOf: '2026-05-12' },
    })
    // By alias and by brand.
    expect(book.findActor('HTX')?.id).toBe('huobi')
    expect(book.findActor('upbit')?.legalEntity).toBeUndefined()
    expect(book.findActor('nobody at all')).toBeUndefined()
    expect(shippedActors().actors.every(({ contact }) => contact === undefined)).toBe(true)
  })

  test('have kinds that the category list knows', () => {
    const unknown = new Set(
      shippedActors()
        .actors.flatMap(({ kinds }) => kinds)
        .filter((kind) => !CATEGORIES.has(kind)),
    )
    expect([...unknown]).toEqual([])
  })

  test('know every entity that a wallet label can name', () => {
    const { services } = readTagData('service-names.json') as { services: readonly { entity: string }[] }
    const missing = services.map(({ entity }) => entity).filter((entity) => book.findActor(entity)?.id !== entity)
    // The pack does not have BHEX; its label names it all the same.
    expect(missing).toEqual(['bhex'])
  })
})

describe('the book of actors', () => {
  test('the later list speaks, whole', () => {
    const old = list('2025-01-01', actor({ id: 'x', legalEntity: 'Old Ltd', contact: 'le@x.example' }))
    const recent = list('2026-01-01', actor({ id: 'x', legalEntity: 'New Ltd' }))
    for (const lists of [
      [old, recent],
      [recent, old],
    ]) {
      expect(buildActorBook(lists).findActor('X')).toMatchObject({
        legalEntity: 'New Ltd',
        contact: undefined,
        list: { asOf: '2026-01-01' },
      })
    }
  })

  test('a name that two share finds neither; an id always finds its own', () => {
    const book = buildActorBook([
      list(
        '2026-01-01',
        actor({ id: 'a', aliases: ['both'] }),
        actor({ id: 'b', label: 'Both' }),
        actor({ id: 'c', label: 'a' }),
      ),
    ])
    expect(book.findActor('both')).toBeUndefined()
    expect(book.findActor('a')?.id).toBe('a')
  })
})

describe('lists of actors', () => {
  const good = {
    name: 'n',
    asOf: '2026-01-01',
    source: 's',
    actors: [{ id: 'x', label: 'X', contact: 'le@x.example' }],
  }

  test('an agency’s own list with contacts', () => {
    expect(readActorList(good, 'f').actors).toEqual([actor({ id: 'x', label: 'X', contact: 'le@x.example' })])
  })

  test.each([
    [null, /a list has name, asOf/],
    [{ ...good, more: 1 }, /"more" is not a field of a list/],
    [{ ...good, asOf: '2026-02-30' }, /asOf: a day/],
    [{ ...good, source: '' }, /source: text is wanted/],
    [{ ...good, actors: [{ id: 'x' }] }, /actors\[0\]\.label: it is missing/],
    [{ ...good, actors: [{ id: 'x', label: 1 }] }, /actors\[0\]\.label: text is wanted/],
    [{ ...good, actors: [{ id: 'x', label: 'X', e_mail: 'y' }] }, /actors\[0\]\.e_mail is not a field/],
    [{ ...good, actors: [{ id: 'x', label: 'X', kinds: 'exchange' }] }, /actors\[0\]\.kinds: a list/],
    [{ ...good, actors: [good.actors[0], good.actors[0]] }, /actors\[1\]\.id: x stands there twice/],
    [{ ...good, actors: ['x'] }, /actors\[0\]: an object is wanted/],
  ])('%j is refused', (value, says) => {
    expect(() => readActorList(value, 'f')).toThrow(says)
    expect(() => readActorList(value, 'f')).toThrow(Fault)
  })

  test('any value is a list or a fault', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          readActorList(value, 'f')
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
    )
  })

  test('a GraphSense actor pack: Norway is a country, figures are text, doubles are listed', () => {
    const text = `%YAML 1.1
---
title: T
lastmod: '2023-02-17'
actors:
- id: '01'
  label: 01
  jurisdictions: [NO, KR]
  categories: [exchange]
  uri: 01.xyz
  context: {legal_name: Zero One AS, twitter_handle: x}
- id: '01'
  label: again
- label: nameless
- text
`
    const { list: read, rejected } = parseActorPack(text, { name: 'p', source: 's' })
    expect(read).toEqual({
      name: 'p',
      asOf: '2023-02-17',
      source: 's',
      actors: [
        actor({
          id: '01',
          label: '01',
          legalEntity: 'Zero One AS',
          jurisdictions: ['NO', 'KR'],
          kinds: ['exchange'],
          website: '01.xyz',
        }),
      ],
    })
    expect(rejected.map(({ line }) => line)).toEqual([12, 14, 1])
    expect(() => parseActorPack('title: T\n', { name: 'p', source: 's' })).toThrow('actors: a list is wanted')
    expect(() => parseActorPack('actors: []\n', { name: 'p', source: 's' })).toThrow('lastmod is not a day')
  })
})
