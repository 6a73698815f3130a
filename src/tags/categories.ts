/** The data files that say what categories and confidences mean: data, not code, and named in every report. */
import { readFileSync } from 'node:fs'
import { invariant } from '../../graph/index.ts'
import type { StopSink } from './tag.ts'

/** What a category is called, and the sink in which a trace ends at an address of it; null: the trace goes on. */
export interface Category {
  readonly id: string
  readonly en: string
  readonly ko: string
  readonly stops: StopSink | null
}

/** Reads a data file that stands beside this code. */
export function readTagData(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`./data/${name}`, import.meta.url), 'utf8'))
}

interface CategoriesFile {
  readonly name: string
  readonly version: string
  readonly categories: Readonly<Record<string, Omit<Category, 'id'>>>
}

const STOPS: readonly unknown[] = ['service', 'mixer', 'bridge', 'burned', null]
const file = readTagData('categories.json') as CategoriesFile

/** Every category by id, in the order of the data file. */
export const CATEGORIES: ReadonlyMap<string, Category> = new Map(
  Object.entries(file.categories).map(([id, entry]) => {
    invariant(STOPS.includes(entry.stops), `categories.json: ${id} stops at ${entry.stops}`)
    return [id, { id, en: entry.en, ko: entry.ko, stops: entry.stops }]
  }),
)

/** Name and version of the category list, for the report. */
export const CATEGORY_LIST = { name: file.name, version: file.version } as const

/** The sink in which a trace ends at an address of this category; undefined where it goes on, or the category is unknown. */
export function stopOfCategory(category: string): StopSink | undefined {
  return CATEGORIES.get(category)?.stops ?? undefined
}

const levels = new Map(
  Object.entries((readTagData('confidences.json') as { levels: Readonly<Record<string, number>> }).levels),
)

/**
 * How much a source's own grade says, 0 to 100: a GraphSense id, or an Admiralty grade by its letter (`B2` is `B`). Zero
 * where none is given or we do not know it. Only for the order in which claims are shown.
 */
export function confidenceLevel(confidence: string | undefined): number {
  if (confidence === undefined) return 0
  const letter = /^([A-F])[1-6]?$/.exec(confidence)
  return levels.get(letter ? letter[1] : confidence) ?? 0
}
