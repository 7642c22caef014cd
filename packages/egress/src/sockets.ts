import type { ClientRequest, Agent as HttpAgent, RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { AGENTS_MAX, HEADER_BYTES_MAX, IDLE_SOCKET_MS, PER_NODE_MAX } from './limits.ts'

const http = process.getBuiltinModule('node:http')

interface Agents {
  http: HttpAgent
  https: HttpsAgent
}

/** One hop, with the addresses that were checked for it. */
export interface Hop {
  account: string
  url: URL
  method: string
  /** name, value, name, value; as they go on the wire. */
  headers: string[]
  addresses: readonly string[]
}

/**
 * Connections to the outside. Never those of another account: what a server mixes up between two requests of a connection stays in the
 * family. No proxy and nothing else of the daemon's environment is used: agents are made here, with options spelled out.
 */
export class Sockets {
  readonly #agents = new Map<string, Agents>()

  /** Connects to one of the checked addresses and to nothing else; the name is only used for TLS and the Host header. */
  request(hop: Hop): ClientRequest {
    const { url, method, headers, addresses } = hop
    const secure = url.protocol === 'https:'
    const agents = this.#agentsOf(hop.account)
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const options: RequestOptions & { servername?: string } = {
      protocol: url.protocol,
      hostname,
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      method,
      headers: headers as never,
      setHost: false,
      maxHeaderSize: HEADER_BYTES_MAX,
      insecureHTTPParser: false,
      joinDuplicateHeaders: false,
      agent: secure ? agents.https : agents.http,
      lookup: (_name, wanted, found) => {
        const all = addresses.map((address) => ({ address, family: isIP(address) }))
        const first = all[0] as (typeof all)[0]
        if (wanted.all === true) found(null, all)
        else found(null, first.address, first.family)
      }
    }
    if (!secure) return http.request(options)
    return httpsRequest({ ...options, ...(isIP(hostname) === 0 ? { servername: hostname.replace(/\.$/, '') } : {}) })
  }

  close(): void {
    for (const agents of this.#agents.values()) destroy(agents)
    this.#agents.clear()
  }

  #agentsOf(account: string): Agents {
    const known = this.#agents.get(account)
    if (known !== undefined) {
      // The most recently used last.
      this.#agents.delete(account)
      this.#agents.set(account, known)
      return known
    }
    const oldest = this.#agents.entries().next().value
    if (this.#agents.size >= AGENTS_MAX && oldest !== undefined) {
      this.#agents.delete(oldest[0])
      // Idle connections go; those in use end with their request.
      for (const agent of [oldest[1].http, oldest[1].https]) {
        agent.maxFreeSockets = 0
        for (const free of Object.values(agent.freeSockets)) for (const socket of free ?? []) socket.destroy()
      }
    }
    const options = { keepAlive: true, timeout: IDLE_SOCKET_MS, maxTotalSockets: PER_NODE_MAX, maxFreeSockets: 16 }
    const made = { http: new http.Agent(options), https: new HttpsAgent(options) }
    this.#agents.set(account, made)
    return made
  }
}

function destroy(agents: Agents): void {
  agents.http.destroy()
  agents.https.destroy()
}
