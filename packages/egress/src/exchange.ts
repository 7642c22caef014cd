import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import {
  type Clock,
  EGRESS_WINDOW_BYTES,
  type EgressExchange,
  type EgressListener,
  type EgressOrder,
  type Timer
} from '@peerless/interface'
import { EgressError, failureOf } from './egress-error.ts'
import { type EgressPolicy, isNamed } from './egress-policy.ts'
import { CONNECT_MS_MAX, DNS_MS_MAX, EXCHANGE_MS_MAX, REPLAY_BYTES_MAX } from './limits.ts'
import type { Places } from './places.ts'
import { follow, isRedirect } from './redirects.ts'
import { checkBodyBytes, type RequestHead, readHead } from './request-head.ts'
import { ResponseBody } from './response-body.ts'
import type { Sockets } from './sockets.ts'

export interface ExchangeServices {
  readonly clock: Clock
  readonly policy: EgressPolicy
  readonly places: Places
  readonly sockets: Sockets
  /** Addresses of a name, in the order in which they shall be tried. */
  readonly lookup: (hostname: string) => Promise<readonly string[]>
  readonly count: { denied: number; failed: number; bytesIn: number; bytesOut: number }
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/**
 * One outbound request, from the order to the last byte, redirects included. Each hop: names are resolved here, every address is checked,
 * and only checked addresses are connected to, so that a name that changes its mind in between reaches nothing.
 */
export class Exchange implements EgressExchange {
  readonly #services: ExchangeServices
  readonly #order: EgressOrder
  readonly #listener: EgressListener
  #timer: Timer | undefined
  #connecting: Timer | undefined
  #giveBack: () => void = () => undefined
  #outgoing: ClientRequest | undefined
  #incoming: ResponseBody | undefined
  #over = false
  #redirects = 0
  #retried = false
  /** What was written of the body: all of it while it may have to be sent again, what is not yet sent otherwise. */
  #kept: Uint8Array[] = []
  #written = 0
  #bodyEnded = false
  #bodyBytes: number
  /** What was written before the exchange has begun: behind the part of the body that came with the order. */
  #early: { readonly bytes: Uint8Array; readonly ended: boolean }[] | undefined = []
  readonly #keepable: boolean

  constructor(order: EgressOrder, listener: EgressListener, services: ExchangeServices) {
    this.#services = services
    this.#order = order
    this.#listener = listener
    this.#bodyBytes = order.bodyBytes
    this.#keepable = order.bodyBytes >= 0 && order.bodyBytes <= REPLAY_BYTES_MAX
    const timeoutMs = Math.min(Math.max(1, order.timeoutMs), EXCHANGE_MS_MAX)
    this.#timer = services.clock.after(timeoutMs, () =>
      this.#fail(new EgressError('time', `no whole answer within ${timeoutMs} ms`))
    )
    // After `open` has returned, so that the caller knows the exchange when it hears of it.
    queueMicrotask(() => this.#begin())
  }

  write(bytes: Uint8Array, ended: boolean): void {
    if (this.#over || this.#bodyEnded) return
    if (this.#early !== undefined) {
      this.#early.push({ bytes, ended })
      return
    }
    this.#written += bytes.length
    this.#bodyEnded = ended
    const bodyBytes = this.#bodyBytes
    if (bodyBytes >= 0 && (this.#written > bodyBytes || (ended && this.#written < bodyBytes))) {
      this.#fail(new EgressError('request body', `the body has ${this.#written} bytes where ${bodyBytes} were announced`))
      return
    }
    try {
      checkBodyBytes(this.#written)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#keepable || this.#outgoing === undefined) this.#kept.push(bytes)
    if (this.#outgoing !== undefined) this.#send(this.#outgoing, bytes)
  }

  credit(bytes: number): void {
    if (this.#incoming === undefined) this.#credit += bytes
    else this.#incoming.credit(bytes)
  }
  #credit = EGRESS_WINDOW_BYTES

  abort(): void {
    this.#end()
  }

  #begin(): void {
    const early = this.#early ?? []
    this.#early = undefined
    if (this.#over) return
    const { bodyBytes, body, bodyEnded } = this.#order
    try {
      const head = readHead(this.#order)
      checkBodyBytes(bodyBytes)
      this.#giveBack = this.#services.places.take(this.#order, () => void this.#hop(head))
      if (body.length > 0 || bodyEnded) this.write(body, bodyEnded)
      for (const { bytes, ended } of early) this.write(bytes, ended)
    } catch (error) {
      this.#fail(error)
    }
  }

  async #hop(head: RequestHead): Promise<void> {
    try {
      const addresses = await this.#resolve(head.url)
      if (!this.#over) this.#connect(head, addresses)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** @throws EgressError denied */
  async #resolve(url: URL): Promise<readonly string[]> {
    const { hosts } = this.#order
    const { policy } = this.#services
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const port = portOf(url)
    if (hosts !== undefined && !isNamed(hosts, hostname)) {
      throw new EgressError('hosts', `${url.host} is not among the hosts that this function's configuration names`, true)
    }
    const all = isIP(hostname) === 0 ? await this.#lookup(hostname) : [hostname]
    const open = all.filter((address) => policy.closed(address, port) === undefined)
    const [first] = all
    if (first === undefined) throw new EgressError('dns', `${hostname} has no address`, false, 'ENOTFOUND')
    if (open.length === 0) {
      const rule = policy.closed(first, port) as string
      throw new EgressError(
        'address',
        `${url.protocol}//${url.host} is ${first}: ${rule} is closed to functions on this node`,
        true
      )
    }
    return open
  }

  async #lookup(hostname: string): Promise<readonly string[]> {
    return await new Promise((resolve, reject) => {
      const timer = this.#services.clock.after(DNS_MS_MAX, () => {
        reject(new EgressError('dns', `${hostname} was not resolved within ${DNS_MS_MAX} ms`, false, 'EAI_AGAIN'))
      })
      this.#services
        .lookup(hostname)
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })
  }

  #connect(head: RequestHead, addresses: readonly string[]): void {
    const { sockets, clock } = this.#services
    const headers = wireHeaders(head, this.#bodyBytes)
    const outgoing = sockets.request({ account: this.#order.account, url: head.url, method: head.method, headers, addresses })
    this.#outgoing = outgoing
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) return
      this.#connecting = clock.after(CONNECT_MS_MAX, () => {
        const text = `no connection to ${head.url.host} within ${CONNECT_MS_MAX} ms`
        this.#fail(new EgressError('connect', text, false, 'ETIMEDOUT'))
      })
      socket.once('connect', () => {
        this.#connecting?.cancel()
        // What was checked is what was connected to; here it is seen once more, from the socket itself.
        const rule = this.#services.policy.closed(socket.remoteAddress ?? '', portOf(head.url))
        if (rule !== undefined) this.#fail(new EgressError('address', `connected to ${socket.remoteAddress}: ${rule}`, true))
      })
    })
    outgoing.once('response', (response) => this.#respond(head, outgoing, response))
    outgoing.once('upgrade', (_response, socket) => {
      socket.destroy()
      this.#fail(new EgressError('http', 'the server wants another protocol'))
    })
    outgoing.once('error', (error) => this.#onError(head, addresses, outgoing, error))
    const kept = this.#kept
    if (!this.#keepable) this.#kept = []
    if (kept.length === 0 && this.#bodyEnded) outgoing.end()
    kept.forEach((bytes, index) => {
      this.#send(outgoing, bytes, index < kept.length - 1)
    })
  }

  #send(outgoing: ClientRequest, bytes: Uint8Array, more = false): void {
    const counted = () => {
      if (this.#over || outgoing !== this.#outgoing) return
      this.#services.count.bytesOut += bytes.length
      if (!this.#keepable && !this.#bodyEnded && bytes.length > 0) this.#listener.pull(bytes.length)
    }
    if (bytes.length > 0) outgoing.write(bytes, counted)
    if (this.#keepable && bytes.length > 0 && !this.#bodyEnded) this.#listener.pull(bytes.length)
    if (this.#bodyEnded && !more) outgoing.end()
  }

  #respond(head: RequestHead, outgoing: ClientRequest, response: IncomingMessage): void {
    if (this.#over || outgoing !== this.#outgoing) {
      response.destroy()
      return
    }
    const status = response.statusCode ?? 0
    try {
      if (isRedirect(status) && this.#order.redirect !== 'manual') {
        if (this.#order.redirect === 'error') throw new EgressError('redirects', `unexpected redirect (status ${status})`)
        const body = this.#written === 0 && this.#bodyEnded ? 'none' : this.#keepable ? 'kept' : 'gone'
        const next = follow(head, status, response.headers.location, this.#redirects, body)
        if (next !== undefined) {
          this.#redirects++
          this.#outgoing = undefined
          // Its body is of no interest: closing costs less than reading what may be endless.
          response.destroy()
          if (next.dropBody) this.#dropBody()
          void this.#hop(next.head)
          return
        }
      }
      this.#incoming = new ResponseBody(response, head.method, {
        data: (bytes, ended) => {
          if (this.#over) return
          this.#services.count.bytesIn += bytes.length
          // A server that answered without having read the whole body may not be asked for more on that connection.
          if (ended) this.#end(!this.#bodyEnded)
          this.#listener.data(bytes, ended)
        },
        failed: (error) => this.#fail(error)
      })
      this.#listener.head({
        status,
        statusText: response.statusMessage ?? '',
        url: head.url.href,
        redirected: this.#redirects > 0,
        headers: response.rawHeaders
      })
      this.#incoming.credit(this.#credit)
    } catch (error) {
      response.destroy()
      this.#fail(error)
    }
  }

  #dropBody(): void {
    this.#kept = []
    this.#written = 0
    this.#bodyEnded = true
    this.#bodyBytes = 0
  }

  /** A kept connection that the server closed just then: nothing was answered, so the same request goes once more, on a new one. */
  #onError(head: RequestHead, addresses: readonly string[], outgoing: ClientRequest, error: Error): void {
    if (this.#over || outgoing !== this.#outgoing) return
    const again = outgoing.reusedSocket && !this.#retried && IDEMPOTENT.has(head.method) && this.#keepable
    if (!again || this.#incoming !== undefined) {
      this.#fail(error)
      return
    }
    this.#retried = true
    try {
      this.#connect(head, addresses)
    } catch (failure) {
      this.#fail(failure)
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return
    const failure = failureOf(error)
    this.#services.count[failure.denied ? 'denied' : 'failed']++
    this.#end()
    this.#listener.failed(failure)
  }

  #end(destroy = true): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.cancel()
    this.#connecting?.cancel()
    this.#kept = []
    if (destroy) {
      this.#incoming?.stop()
      this.#outgoing?.once('error', () => undefined)
      this.#outgoing?.destroy()
    }
    this.#giveBack()
  }
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

/** What goes on the wire: Host first, the function's own, then the framing. */
function wireHeaders(head: RequestHead, bodyBytes: number): string[] {
  const flat = ['Host', head.url.host]
  for (const [name, value] of head.headers) flat.push(name, value)
  const method = head.method.toUpperCase()
  if (bodyBytes > 0 || (bodyBytes === 0 && !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method))) {
    flat.push('Content-Length', String(bodyBytes))
  } else if (bodyBytes < 0) flat.push('Transfer-Encoding', 'chunked')
  return flat
}
