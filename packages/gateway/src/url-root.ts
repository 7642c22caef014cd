import { isIP } from 'node:net'
import type { ApiRequest } from './api-call.ts'

/** Whether the other end of a connection is this machine: a proxy that stands before the node, or a program that somebody runs here. */
export function isLoopback(ip: string): boolean {
  return ip === '::1' || (isIP(ip) === 4 && ip.startsWith('127.'))
}

/** An address as it is written without IPv6's form of one of IPv4. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/**
 * The beginning of URLs that lead a client to where it came from: host and port as it wrote them, and `https` where a proxy on this machine says that
 * it came so (`X-Forwarded-Proto`). → `https://functions.example.com`
 */
export function urlRootOf({ headers, socket }: Pick<ApiRequest, 'headers' | 'socket'>): string {
  const told = isLoopback(plainAddress(socket.remoteAddress)) && headers['x-forwarded-proto'] === 'https'
  return `${told ? 'https' : 'http'}://${headers.host ?? 'localhost'}`
}
