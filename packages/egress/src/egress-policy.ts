import { PeerlessError } from '@peerless/interface'
import { closedBecause } from './closed-ranges.ts'
import { type Cidr, isWithin, parseAddress, parseCidr } from './ip-address.ts'

/** Where this node itself can be reached. */
export interface OwnPlaces {
  /** Addresses of this machine's interfaces, as text. */
  addresses(): readonly string[]
  /** TCP ports on which this daemon listens. */
  ports(): readonly number[]
}

/** fetch standard, "bad port": protocols whose servers would take an HTTP request for commands of their own. */
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
  115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
  563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
  6668, 6669, 6679, 6697, 10080
])

/** Which addresses functions may reach: public ones, and what the operator opens. */
export class EgressPolicy {
  readonly #allowed: readonly Cidr[]
  readonly #own: OwnPlaces

  /** @throws PeerlessError INVALID_ARGUMENT for what is no CIDR block */
  constructor(allowed: readonly string[], own: OwnPlaces) {
    this.#own = own
    this.#allowed = allowed.map((text) => {
      const block = parseCidr(text)
      if (block === undefined) {
        throw new PeerlessError('INVALID_ARGUMENT', `'${text.slice(0, 100)}' must be a CIDR block such as 10.0.0.0/8 or fd00::/8`)
      }
      return block
    })
  }

  /** Why it may not be reached; undefined when it may. @param text an address, not a name */
  closed(text: string, port: number): string | undefined {
    const address = parseAddress(text)
    if (address === undefined) return 'no plain address'
    if (BAD_PORTS.has(port)) return `port ${port}, which fetch never uses`
    if (this.#allowed.some((block) => isWithin(address, block))) return undefined
    const rule = closedBecause(address)
    if (rule !== undefined) return rule
    const own = this.#own.ports().includes(port) && this.#own.addresses().some((one) => sameAddress(parseAddress(one), address))
    return own ? "one of this node's own ports" : undefined
  }
}

function sameAddress(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** Whether a function that names the hosts it may reach names this one: exactly, or `*.example.com` for all below. */
export function isNamed(hosts: readonly string[], hostname: string): boolean {
  const name = hostname.replace(/\.$/, '')
  return hosts.some((host) =>
    host.startsWith('*.') ? name.endsWith(host.slice(1)) && name.length >= host.length : name === host
  )
}
