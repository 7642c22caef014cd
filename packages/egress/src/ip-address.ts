import { isIPv4, isIPv6 } from 'node:net'

/** An address as 4 or 16 bytes. An IPv4 address that is written as an IPv6 one (::ffff:192.0.2.1) is an IPv4 address. */
export type IpAddress = Uint8Array

/** undefined for what is no address, and for one with a zone (fe80::1%eth0): it means something on this machine only. */
export function parseAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  if (!isIPv6(text) || text.includes('%')) return undefined
  const bytes = parseIpv6(text)
  return isMapped(bytes) ? bytes.slice(12) : bytes
}

/** Of text that `isIPv6` has passed. */
function parseIpv6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const plain = dotted === null ? text : `${dotted[1]}${groupsOf(dotted[2] as string)}`
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right]
  const bytes = new Uint8Array(16)
  groups.forEach((group, index) => {
    const value = Number.parseInt(group, 16)
    bytes[2 * index] = value >> 8
    bytes[2 * index + 1] = value & 0xff
  })
  return bytes
}

function groupsOf(dotted: string): string {
  const [a, b, c, d] = dotted.split('.').map(Number) as [number, number, number, number]
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
}

export interface Cidr {
  readonly bytes: IpAddress
  readonly bits: number
  readonly text: string
}

/** `ADDRESS/BITS`. undefined for what is no such block. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', digits = '', ...more] = text.split('/')
  const plain = parseAddress(address)
  const bits = Number(digits)
  if (plain === undefined || more.length > 0 || !/^\d{1,3}$/.test(digits)) return undefined
  // A block of mapped addresses is a block of IPv4, whose prefix is 96 bits shorter.
  const shorter = plain.length === 4 && address.includes(':') ? bits - 96 : bits
  return shorter < 0 || shorter > plain.length * 8 ? undefined : { bytes: plain, bits: shorter, text }
}

export function isWithin(address: IpAddress, block: Cidr): boolean {
  if (address.length !== block.bytes.length) return false
  const whole = block.bits >> 3
  for (let index = 0; index < whole; index++) if (address[index] !== block.bytes[index]) return false
  const rest = block.bits & 7
  if (rest === 0) return true
  const mask = (0xff << (8 - rest)) & 0xff
  return ((address[whole] as number) & mask) === ((block.bytes[whole] as number) & mask)
}
