import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'

/** As the machine's resolver has it, its hosts file included; the order is the resolver's. */
export async function resolveName(hostname: string): Promise<readonly string[]> {
  return (await lookup(hostname, { all: true, order: 'verbatim' })).map(({ address }) => address)
}

/** Read anew each time: addresses come and go with networks. */
export function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
}

/** TCP ports in multiaddrs. */
export function portsOf(multiaddrs: readonly string[]): number[] {
  return multiaddrs.flatMap((address) => {
    const port = /\/tcp\/(\d{1,5})/.exec(address)?.[1]
    return port === undefined ? [] : [Number(port)]
  })
}
