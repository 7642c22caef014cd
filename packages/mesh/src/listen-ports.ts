import { createServer } from 'node:net'
import { decode, encode } from '@peerless/wire'
import type { Directory } from './directory.ts'

const FILE = 'ports.cbor'
const PORTS_MAX = 32
const ANY_PORT = /^(\/ip[46]\/([^/]+)\/tcp\/)0$/

/**
 * `/tcp/0` means any free port, but the same one at each start where it is still free: when all nodes of a mesh restart at once, the addresses
 * that they remember of each other still hold, and so do invites that were given out.
 */
export async function withRememberedPorts(listen: readonly string[], directory: Directory): Promise<string[]> {
  if (!listen.some((address) => ANY_PORT.test(address))) return [...listen]
  const remembered = await readPorts(directory)
  return await Promise.all(
    listen.map(async (address) => {
      const [, prefix, host] = ANY_PORT.exec(address) ?? []
      const port = prefix === undefined ? undefined : remembered.get(prefix)
      if (prefix === undefined || host === undefined || port === undefined) return address
      return (await isFree(host, port)) ? `${prefix}${port}` : address
    })
  )
}

/** @param addresses what the node listens on now, with or without `/p2p/` */
export async function rememberPorts(addresses: readonly string[], directory: Directory): Promise<void> {
  const ports: [string, number][] = []
  for (const address of addresses.slice(0, PORTS_MAX)) {
    const [, prefix, port] = /^(\/ip[46]\/[^/]+\/tcp\/)(\d+)/.exec(address) ?? []
    if (prefix !== undefined) ports.push([prefix, Number(port)])
  }
  await directory.write(FILE, encode(ports))
}

async function readPorts(directory: Directory): Promise<Map<string, number>> {
  const ports = new Map<string, number>()
  try {
    const bytes = await directory.read(FILE)
    const alleged = bytes === undefined ? [] : decode(bytes, FILE)
    for (const entry of Array.isArray(alleged) ? alleged.slice(0, PORTS_MAX) : []) {
      const [prefix, port] = Array.isArray(entry) ? entry : []
      if (typeof prefix === 'string' && Number.isInteger(port) && port > 0 && port <= 65_535) ports.set(prefix, port)
    }
  } catch {
    // A hint that can't be read is no hint: any port will do, and the file is written anew.
  }
  return ports
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * Of an error of libp2p's start, the system's own where it is that an address cannot be listened on. libp2p tells address and reason in a text with
 * stacks alone; a port that is taken is everyday, and whoever started the node wants to read which one.
 */
export function listenError(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'UnsupportedListenAddressesError') return error
  const [reason, code] = /\blisten (E[A-Z]+): .*/.exec(error.message) ?? []
  if (reason === undefined) return error
  return Object.assign(new Error(reason, { cause: error }), { code, syscall: 'listen' })
}
