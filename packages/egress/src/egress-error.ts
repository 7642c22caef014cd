import type { EgressFailure } from '@peerless/interface'

/** Why a request ends. `denied` where a policy said so, and the function's log shall tell. */
export class EgressError extends Error {
  readonly rule: string
  readonly denied: boolean
  readonly code: string | undefined

  /** @param code Node's own for the same failure of a network, where it has one */
  constructor(rule: string, message: string, denied = false, code?: string) {
    super(message)
    this.rule = rule
    this.denied = denied
    this.code = code
  }
}

const MESSAGE_CHARS_MAX = 500

/** Text for the function: what the network said, by name and port that the function itself gave. */
export function failureOf(error: unknown): EgressFailure {
  if (error instanceof EgressError) {
    return { rule: error.rule, message: error.message, denied: error.denied, code: error.code }
  }
  const { code: alleged, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const code = typeof alleged === 'string' ? alleged : undefined
  // An AggregateError of several addresses has no message of its own.
  const first = error instanceof AggregateError ? (error.errors[0] as Error | undefined)?.message : undefined
  const text = typeof message === 'string' && message !== '' ? message : (first ?? 'the connection failed')
  return { rule: ruleOf(code), message: text.slice(0, MESSAGE_CHARS_MAX), denied: false, code }
}

function ruleOf(code = 'network'): string {
  if (/^(ENOTFOUND|EAI_|ENODATA)/.test(code)) return 'dns'
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL)$/.test(code)) return 'connect'
  if (/CERT|TLS|SSL|SIGNATURE|ALTNAME/.test(code)) return 'tls'
  if (code.startsWith('HPE_')) return 'http'
  if (/^(Z_|ERR__?BROTLI|ERR_ZSTD)/.test(code)) return 'content-encoding'
  return 'network'
}
