import { FAULTS, Fault, type FaultCode } from '../faults.ts'
import { type FieldError, RequestFault } from './contract.ts'

export type Language = 'en' | 'ko'

/** RFC 9457, as the contract's `Problem`. */
export interface Problem {
  readonly type: 'about:blank'
  readonly code: FaultCode
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly errors?: readonly FieldError[]
}

/** The faults' titles in Korean. Details stay in English: they quote fields and values. */
const TITLES_KO: Readonly<Record<FaultCode, string>> = {
  USAGE: '명령이나 옵션을 이해할 수 없습니다',
  FILE_UNREADABLE: '파일을 읽을 수 없습니다',
  FILE_TRUNCATED: '파일이 중간에서 끊겼습니다',
  LIMIT_EXCEEDED: '정해진 한도를 넘었습니다',
  REQUEST_INVALID: '추적에 필요한 내용이 요청에 올바로 적혀 있지 않습니다',
  METHOD_UNKNOWN: '그런 이름의 추적 방법은 없습니다',
  METHOD_UNFIT: '이 종류의 풀에는 쓸 수 없는 방법입니다',
  SEED_NOT_FOUND: '시드가 원장에 없습니다',
  SEED_EXCEEDS_PAYMENT: '시드 금액이 해당 지급액보다 큽니다',
  SEED_INSIDE_SERVICE: '시드가 여러 고객의 자금이 섞이는 서비스 안에 있습니다',
  SEED_IS_BUYER: '구매자의 주소는 범죄수익의 시드가 될 수 없습니다',
  ADDRESS_INVALID: '주소가 해당 체인의 표기법에 맞지 않습니다',
  AMOUNT_INVALID: '금액이 기본 단위의 정수가 아닙니다',
  LEDGER_INVALID: '원장의 줄이 형식에 맞지 않습니다',
  LEDGER_CONTRADICTS: '원장이 한 거래를 서로 다르게 적고 있습니다',
  LEDGER_UNBALANCED: '거래의 출금이 입금보다 많습니다',
  BLOCK_INVALID: '블록을 해석할 수 없거나 자체 해시와 맞지 않습니다',
  UNDO_INVALID: '언두 데이터가 블록과 맞지 않습니다',
  TAGS_INVALID: '태그 파일이 형식에 맞지 않습니다',
  SOURCE_CONTRADICTS: '데이터 출처가 스스로 또는 요청과 모순됩니다',
  SOURCE_UNAVAILABLE: '데이터 출처가 응답하지 않습니다',
  STORE_UNAVAILABLE: '저장소가 온전히 응답하지 않습니다',
  STORE_INVALID: '이 버전이 읽을 수 없는 저장소입니다',
  CASE_INVALID: '사건 파일이 형식에 맞지 않습니다',
  REPORT_NOT_FINAL: '점검 항목이 남아 있어 최종 보고서로 확정할 수 없습니다',
  BUNDLE_INVALID: '번들이 온전하지 않거나 합계가 맞지 않습니다',
  OUTPUT_EXISTS: '출력 디렉터리에 이미 다른 것이 있습니다',
  UNAUTHORIZED: '유효한 키가 필요합니다',
  FORBIDDEN: '이 키의 권한으로는 할 수 없습니다',
  NOT_FOUND: '이 주소에는 아무것도 없습니다',
  METHOD_NOT_ALLOWED: '이 주소에서는 쓸 수 없는 HTTP 메서드입니다',
  MEDIA_TYPE_UNSUPPORTED: '이 서비스가 읽지 않는 형식의 본문입니다',
  REQUEST_TIMEOUT: '요청이 제시간에 다 도착하지 않았습니다',
  NOT_READY: '추적이 아직 끝나지 않았습니다',
  CONFLICT: '이미 있는 것과 충돌하는 요청입니다',
  RATE_LIMITED: '이 키 또는 주소의 요청이 너무 많습니다',
  QUEUE_FULL: '대기 중인 추적이 너무 많습니다',
  TIME_LIMIT: '추적이 제한 시간을 넘었습니다',
  INTERNAL: '서비스에 오류가 났으며 아무것도 결정되지 않았습니다',
}

/** A fault's title in a language. */
export function titleOf(code: FaultCode, language: Language): string {
  return language === 'ko' ? TITLES_KO[code] : FAULTS[code].title
}

/** Korean where the caller ranks it above English; English otherwise. */
export function languageOf(acceptLanguage: string | undefined): Language {
  let best: { language: Language; quality: number } | undefined
  for (const range of (acceptLanguage ?? '').slice(0, 500).split(',')) {
    const match = /^\s*([a-z]{2})(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{1,3})?))?\s*$/i.exec(range)
    const language = match?.[1].toLowerCase()
    if (language !== 'en' && language !== 'ko') continue
    const quality = Number(match?.[2] ?? 1)
    if (!best || quality > best.quality) best = { language, quality }
  }
  return best && best.quality > 0 ? best.language : 'en'
}

/** A fault as a problem. `instance` is a URN: of the request, or of the trace whose failure it tells. */
export function toProblem(fault: Pick<Fault, 'code' | 'detail'>, instance: string, language: Language): Problem {
  const { code, detail } = fault
  const problem = {
    type: 'about:blank',
    code,
    title: titleOf(code, language),
    status: FAULTS[code].status,
    detail,
    instance,
  } as const
  return fault instanceof RequestFault ? { ...problem, errors: fault.errors } : problem
}

const FRAMEWORK_FAULTS: Readonly<Record<string, { code: FaultCode; detail: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'MEDIA_TYPE_UNSUPPORTED', detail: 'send the body as application/json' },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'LIMIT_EXCEEDED', detail: 'the body is larger than this service reads' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'REQUEST_INVALID', detail: 'the body is empty; a JSON object is needed' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'REQUEST_INVALID', detail: 'the body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'REQUEST_INVALID',
    detail: 'the body is not as long as its Content-Length says',
  },
  FST_ERR_BAD_URL: { code: 'REQUEST_INVALID', detail: 'the path is not a valid URL path' },
}

/** Whatever was thrown while answering, as a fault: what the caller can mend by its name, the rest as INTERNAL. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown }
  const known = typeof code === 'string' ? FRAMEWORK_FAULTS[code] : undefined
  if (known) return new Fault(known.code, known.detail)
  if (error instanceof SyntaxError && statusCode === 400) {
    return new Fault('REQUEST_INVALID', 'the body is not valid JSON, or has a key that no JSON body of ours may have')
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new Fault('REQUEST_INVALID', 'the request is not one this service can read')
  }
  return new Fault('INTERNAL', 'the log of the service holds the cause under this instance', { cause: error })
}
