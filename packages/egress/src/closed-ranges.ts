import { type Cidr, type IpAddress, isWithin, parseCidr } from './ip-address.ts'

/** IANA's special-purpose registries, and what clouds answer credentials at. Everything that is not reachable for everybody, or is us. */
const CLOSED: readonly (readonly [block: string, rule: string])[] = [
  ['0.0.0.0/8', 'this host'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.169.254/32', 'cloud metadata'],
  ['169.254.0.0/16', 'link-local'],
  ['168.63.129.16/32', 'cloud metadata'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved by the IETF'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'reserved by the IETF'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::1/128', 'loopback'],
  ['::/128', 'this host'],
  ['::/96', 'reserved'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['fc00::/7', 'private'],
  ['ff00::/8', 'multicast'],
  ['2001::/23', 'reserved by the IETF'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation']
]

const BLOCKS: readonly { block: Cidr; rule: string }[] = CLOSED.map(([text, rule]) => ({ block: parseCidr(text) as Cidr, rule }))
/** The only part of IPv6 that is given out for public use. */
const GLOBAL_UNICAST = parseCidr('2000::/3') as Cidr

/** Why an address is closed to functions unless the operator opens it; undefined for a public one. */
export function closedBecause(address: IpAddress): string | undefined {
  for (const { block, rule } of BLOCKS) if (isWithin(address, block)) return rule
  if (address.length === 16 && !isWithin(address, GLOBAL_UNICAST)) return 'reserved'
  return undefined
}
