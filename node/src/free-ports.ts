import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** An address to listen on; port 0 is any free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** `::` without the addresses of IPv4, which may be given beside it. */
  readonly ipv6Only?: boolean
}

/** Host and port of `/ip4/ADDRESS/tcp/PORT` and `/ip6/…`. */
export function addressesOf(multiaddrs: readonly string[]): ListenAddress[] {
  return multiaddrs.flatMap((multiaddr) => {
    const [, family, host, port] = /^\/ip([46])\/([^/]+)\/tcp\/(\d{1,5})/.exec(multiaddr) ?? []
    return host === undefined ? [] : [{ host, port: Number(port), ipv6Only: family === '6' }]
  })
}

/**
 * Listens on all of them and lets them go again. What cannot be listened on shall fail a start before it has founded a mesh or spent an invite; who takes an
 * address in the meantime fails it later.
 * @throws the socket's error (EADDRINUSE, EACCES, EADDRNOTAVAIL)
 */
export async function checkFree(addresses: readonly ListenAddress[]): Promise<void> {
  const open: Server[] = []
  try {
    for (const address of addresses) {
      if (address.port === 0) continue
      const server = createServer().listen({ ...address, exclusive: true })
      open.push(server)
      await once(server, 'listening')
    }
  } finally {
    const listening = open.filter((server) => server.listening)
    await Promise.all(listening.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}
