import { FETCH_WINDOW_BYTES, RESUME, VERB } from './bridge-operations.ts'
import type { EgressLink } from './egress-link.ts'
import type { Job, JobHost } from './guest-jobs.ts'
import { fieldsOf } from './job-input.ts'

const NOTHING = new Uint8Array(0)

/**
 * One `fetch` of an isolate: checks the form of what the guest's side says (whether it is allowed is the daemon's to decide), and hands on
 * what comes back. Bodies go in pieces, and neither side sends more than the other asked for.
 */
export class HostedFetch implements Job {
  readonly #link: EgressLink
  readonly #exchange: number
  /** Bytes of the request's body that the daemon still has room for. */
  #room = FETCH_WINDOW_BYTES
  #over = false

  /** @throws TypeError for what is no request */
  constructor(host: JobHost, text: string, body: Uint8Array | undefined) {
    const order = fieldsOf(text)
    const method = order.text('method', 64)
    const url = order.text('url', 65_536)
    const redirect = order.oneOf('redirect', ['follow', 'manual', 'error'])
    const bodyBytes = order.integer('bodyBytes', -1, Number.MAX_SAFE_INTEGER)
    const ended = order.flag('ended')
    const headers = order.texts('headers', 512)
    this.#link = host.services.egress
    this.#room -= body?.length ?? 0
    const timeoutMs = Math.max(1, Math.round(host.leftMs()))
    this.#exchange = this.#link.open(
      [host.instance, timeoutMs, method, url, headers, redirect, bodyBytes, ended],
      body ?? NOTHING,
      {
        head: ([, status, statusText, finalUrl, redirected, flat]) => {
          host.resume(RESUME.HEAD, JSON.stringify({ status, statusText, url: finalUrl, redirected, headers: flat }))
        },
        data: (bytes, last) => {
          if (bytes.length > 0) host.resume(RESUME.DATA, '', bytes)
          if (!last) return
          this.#over = true
          host.resume(RESUME.DONE, '')
        },
        pull: (bytes) => {
          this.#room += bytes
          host.resume(RESUME.PULL, String(bytes))
        },
        failed: (rule, message, denied, code) => {
          this.#over = true
          if (denied) host.log(2, `egress denied: ${message}`)
          const name = denied ? 'EgressDenied' : 'EgressError'
          host.resume(RESUME.FAILED, JSON.stringify({ name, rule, message, ...(code === null ? {} : { code }) }))
        }
      }
    )
  }

  more(verb: unknown, value: unknown, bytes: Uint8Array | undefined): void {
    if (this.#over) return
    switch (verb) {
      case VERB.WRITE:
      case VERB.END: {
        const piece = bytes ?? NOTHING
        this.#room -= piece.length
        // The glue asks before it sends; a guest that got around the glue loses its request, nothing else.
        if (this.#room < 0) this.end()
        else this.#link.write(this.#exchange, piece, verb === VERB.END)
        return
      }
      case VERB.CREDIT:
        if (typeof value === 'number' && value > 0 && value <= FETCH_WINDOW_BYTES) this.#link.credit(this.#exchange, value)
        return
      case VERB.ABORT:
        this.end()
        return
    }
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#link.abort(this.#exchange)
  }
}
