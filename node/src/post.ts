import { lookup } from 'node:dns'
import { type ClientRequest, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { PeerlessError } from '@peerless/interface'

/** Addresses that belong to the machine or its network: no record is delivered there unless `--allow-egress` opens them (RFC 6890). */
const CLOSED = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8'
]

/** Answers of a destination are not read beyond this; only the status counts. */
const ANSWER_BYTES_MAX = 65_536

/** Delivers records to addresses outside the mesh. The address is checked where the connection is made, so a name cannot point elsewhere by then. */
export function createPost(allowEgress: readonly string[]) {
  const closed = blockListOf(CLOSED)
  const opened = blockListOf(allowEgress)
  const check = (address: string) => {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (!closed.check(address, family) || opened.check(address, family)) return
    throw new PeerlessError('FORBIDDEN', `${address} is closed to destinations; open it with --allow-egress`)
  }
  return (url: string, headers: Record<string, string>, body: Uint8Array, timeoutMs: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const target = new URL(url)
      const host = target.hostname.replace(/^\[|\]$/g, '')
      // A literal address is never looked up.
      if (isIP(host) !== 0) check(host)
      const request: ClientRequest = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
        method: 'POST',
        headers: { ...headers, 'content-length': String(body.length), 'user-agent': 'peerless' },
        signal: AbortSignal.timeout(timeoutMs),
        agent: false,
        lookup: (name, options, done) => {
          lookup(name, { ...options, all: true }, (error, addresses) => {
            try {
              if (error !== null) throw error
              for (const { address } of addresses) check(address)
              if (options.all === true) done(null, addresses)
              else done(null, addresses[0]?.address ?? '', addresses[0]?.family)
            } catch (failure) {
              done(failure as NodeJS.ErrnoException, [])
            }
          })
        }
      })
      request.on('error', reject)
      request.on('response', (response) => {
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > ANSWER_BYTES_MAX) response.destroy()
        })
        response.on('close', () => resolve(response.statusCode ?? 0))
        response.on('error', reject)
      })
      request.end(body)
    })
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return list
}
