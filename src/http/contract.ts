import { existsSync, readFileSync } from 'node:fs'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { parse } from 'yaml'
import { Fault, type FaultCode } from '../faults.ts'
import type { KeyRole } from '../store/records.ts'

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

/** One operation of `openapi.yaml`. */
export interface Operation {
  readonly id: string
  readonly method: string
  /** As the document writes it: `/v1/traces/{id}`. */
  readonly path: string
  /** The least role that may; undefined where no key is needed. */
  readonly role: KeyRole | undefined
  /** False where a plugin answers instead of a handler of ours. */
  readonly bound: boolean
  /** Status codes, and the media types each may come with. */
  readonly answers: ReadonlyMap<number, readonly string[]>
}

/** `openapi.yaml` as it is read: the one source of routes, request checks and answer checks. */
export interface Contract {
  readonly text: string
  readonly document: Readonly<Record<string, unknown>>
  readonly operations: ReadonlyMap<string, Operation>
  /** A copy of the document for binding routes: answers are checked here, so their schemas are left out. */
  withoutAnswers(): object
  /** What is wrong with a JSON answer; undefined where nothing is. */
  checkAnswer(operation: string, status: number, body: unknown): string | undefined
}

interface Document {
  paths: Record<string, Record<string, OperationObject>>
  security?: Record<string, string[]>[]
  components: { responses: Record<string, ResponseObject> }
}

interface OperationObject {
  operationId: string
  security?: Record<string, string[]>[]
  responses: Record<string, ResponseObject>
  'x-no-fastify-config'?: boolean
}

interface ResponseObject {
  $ref?: string
  content?: Record<string, unknown>
}

/** A file at the top of the product, from the sources as from the built product. */
export function topFile(name: string): string {
  for (const up of ['../../', '../../../']) {
    const url = new URL(`${up}${name}`, import.meta.url)
    if (existsSync(url)) return readFileSync(url, 'utf8')
  }
  throw new Fault('FILE_UNREADABLE', `${name} is missing from the installation`)
}

/** Reads the contract that ships with the product. */
export function readContract(): Contract {
  const text = topFile('openapi.yaml')
  // Of our own making and held to its form by `npm run contract` and the contract test.
  const document = parse(text) as Document
  const operations = new Map<string, Operation>()
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method]
      if (operation) operations.set(operation.operationId, readOperation(document, path, method, operation))
    }
  }
  const ajv = makeAjv({ coerce: false })
  ajv.addVocabulary(Object.keys(document))
  ajv.addSchema(document, 'contract')
  const checks = new Map<string, ValidateFunction>()
  return {
    text,
    document: document as unknown as Readonly<Record<string, unknown>>,
    operations,
    withoutAnswers() {
      const copy = structuredClone(document)
      for (const item of Object.values(copy.paths)) {
        for (const method of METHODS)
          if (item[method]) item[method].responses = { default: { description: '' } as ResponseObject }
      }
      copy.components.responses = {}
      return copy
    },
    checkAnswer(id, status, body) {
      const operation = operations.get(id)
      const types = operation?.answers.get(status)
      if (!operation || !types) return `${id} answered ${status}, which the contract does not name`
      const type = types.find((each) => each.endsWith('json'))
      if (!type) return `${id} answered ${status} with JSON, which the contract does not name`
      const key = `${id} ${status}`
      let check = checks.get(key)
      if (!check) checks.set(key, (check = ajv.compile({ $ref: answerPointer(document, operation, status, type) })))
      return check(body) ? undefined : `${id} ${status}: ${ajv.errorsText(check.errors)}`
    },
  }
}

/** Ajv for JSON Schema 2020-12. Bodies are never coerced; query, path and header values are text and must be. */
export function makeAjv({ coerce, allErrors = true }: { coerce: boolean; allErrors?: boolean }): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    allErrors,
    verbose: true,
    removeAdditional: false,
    useDefaults: coerce,
    coerceTypes: coerce,
    keywords: ['x-no-fastify-config', 'style', 'explode'],
  })
  formats.default(ajv, ['date-time'])
  return ajv
}

function readOperation(document: Document, path: string, method: string, object: OperationObject): Operation {
  const answers = new Map<number, readonly string[]>()
  for (const [status, response] of Object.entries(object.responses)) {
    answers.set(Number(status), Object.keys(resolveResponse(document, response).object.content ?? {}))
  }
  const role = (object.security ?? document.security ?? []).flatMap((each) => each.key ?? []).at(0)
  return {
    id: object.operationId,
    method: method.toUpperCase(),
    path,
    role: role === 'viewer' || role === 'investigator' ? role : undefined,
    bound: object['x-no-fastify-config'] !== true,
    answers,
  }
}

function resolveResponse(
  document: Document,
  response: ResponseObject,
): { object: ResponseObject; at: string | undefined } {
  if (response.$ref === undefined) return { object: response, at: undefined }
  const name = response.$ref.replace('#/components/responses/', '')
  return { object: document.components.responses[name], at: response.$ref }
}

function answerPointer(document: Document, operation: Operation, status: number, type: string): string {
  const { path, method } = operation
  const response = document.paths[path][method.toLowerCase()].responses[status]
  const base = resolveResponse(document, response).at
  const own = `#/paths/${escapePointer(path)}/${method.toLowerCase()}/responses/${status}`
  return `contract${base ?? own}/content/${escapePointer(type)}/schema`
}

function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** One thing wrong with a request: where, and what. */
export interface FieldError {
  readonly pointer: string
  readonly message: string
}

/** A request that does not hold to the contract, field by field. */
export class RequestFault extends Fault {
  readonly errors: readonly FieldError[]

  constructor(code: FaultCode, errors: readonly FieldError[]) {
    const first = errors[0]
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more, see errors)` : ''
    super(code, `${first.pointer}: ${first.message}${more}`)
    this.errors = errors
  }
}

/** Requests with more seeds than this are told their first error only: listing all costs memory that anyone could ask for. */
const LISTED_SEEDS_MAX = 1000

/** Checks bodies against a schema: cheaply first, in full where a refusal is to be explained. */
export function bodyChecker(schema: object): ValidateFunction {
  const first = makeAjv({ coerce: false, allErrors: false }).compile(schema)
  const all = makeAjv({ coerce: false }).compile(schema)
  const check = (body: unknown): boolean => {
    checker.errors = null
    if ((first as (value: unknown) => boolean)(body)) return true
    const seeds = typeof body === 'object' && body !== null && 'seeds' in body ? body.seeds : undefined
    const told = Array.isArray(seeds) && seeds.length > LISTED_SEEDS_MAX ? first : all
    told(body)
    checker.errors = told.errors ?? null
    return false
  }
  const checker = Object.assign(check, { schema, schemaEnv: first.schemaEnv }) as unknown as ValidateFunction
  return checker
}

/** Errors told of one request; a thousand wrong seeds need not all be listed. */
const ERRORS_MAX = 20

/** Ajv's errors as one fault that names each field; the code is a finer one where all errors are of that kind. */
export function requestFault(part: string, errors: readonly ErrorObject[]): RequestFault {
  const own = chooseBranches(errors)
  const codes = new Set(own.map((error) => codeOf(part, error)))
  const code = codes.size === 1 ? [...codes][0] : 'REQUEST_INVALID'
  return new RequestFault(
    code,
    own.slice(0, ERRORS_MAX).map((error) => toFieldError(part, error)),
  )
}

/**
 * Of a `oneOf` that nothing fits, only the errors of the alternative that fits best tell the caller anything. Ajv tells
 * the errors of the alternatives right before the choice's own, so one pass with a stack does it.
 */
function chooseBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const kept: ErrorObject[] = []
  for (const error of errors) {
    if (error.keyword !== 'oneOf' || error.params.passingSchemas !== null) {
      kept.push(error)
      continue
    }
    const branches = new Map<string, ErrorObject[]>()
    let start = kept.length
    while (start > 0 && isInside(kept[start - 1], error)) start--
    for (const inner of kept.splice(start)) {
      const branch = inner.schemaPath.slice(error.schemaPath.length + 1).split('/')[0]
      const list = branches.get(branch)
      if (list) list.push(inner)
      else branches.set(branch, [inner])
    }
    let best: ErrorObject[] | undefined
    for (const branch of branches.values()) if (!best || misfit(error, branch) < misfit(error, best)) best = branch
    kept.push(...(best ?? [error]))
  }
  return kept
}

function isInside(inner: ErrorObject, choice: ErrorObject): boolean {
  if (!inner.schemaPath.startsWith(`${choice.schemaPath}/`)) return false
  return inner.instancePath === choice.instancePath || inner.instancePath.startsWith(`${choice.instancePath}/`)
}

/** A value that is not even of a branch's type fits it worse than any number of wrong fields would. */
function misfit(choice: ErrorObject, branch: readonly ErrorObject[]): number {
  const other = branch.some((error) => error.keyword === 'type' && error.instancePath === choice.instancePath)
  return branch.length + (other ? 1_000_000 : 0)
}

function codeOf(part: string, error: ErrorObject): FaultCode {
  if (part !== 'body') return 'REQUEST_INVALID'
  if (error.keyword === 'enum' && /^\/(method\/primary|compare\/\d+)$/.test(error.instancePath)) return 'METHOD_UNKNOWN'
  if (/^\/(seeds\/\d+|limits)\/amount$/.test(error.instancePath)) return 'AMOUNT_INVALID'
  return 'REQUEST_INVALID'
}

function toFieldError(part: string, error: ErrorObject): FieldError {
  const at = (name?: string) => {
    const inside = name === undefined ? error.instancePath : `${error.instancePath}/${escapePointer(cut(name))}`
    return part === 'body' ? `#${inside}` : `${part}${inside.replace('/', ' ')}`
  }
  const { keyword, params, parentSchema } = error
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const name: string = params.additionalProperty ?? params.unevaluatedProperty
    const near = nearest(name, Object.keys(parentSchema?.properties ?? {}))
    return {
      pointer: at(name),
      message: `unknown field "${cut(name)}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    }
  }
  if (keyword === 'required') return { pointer: at(params.missingProperty), message: 'must be there' }
  if (keyword === 'enum') return { pointer: at(), message: `must be one of ${params.allowedValues.join(', ')}` }
  if (keyword === 'pattern' && codeOf(part, error) === 'AMOUNT_INVALID') {
    return {
      pointer: at(),
      message: 'must be a whole number of base units written as digits, without sign, point or leading zero',
    }
  }
  if (keyword === 'propertyNames')
    return { pointer: at(params.propertyName), message: 'is not a name that may stand here' }
  return { pointer: at(), message: error.message ?? `breaks the rule ${keyword}` }
}

function cut(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}

/** The known name that a misspelling most likely means: at most two letters off, or one for short names. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = name.length <= 4 ? 2 : 3
  for (const each of known) {
    const distance = editDistance(name.slice(0, 64).toLowerCase(), each.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [each, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]
}
