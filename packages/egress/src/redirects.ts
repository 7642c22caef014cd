import { EgressError } from './egress-error.ts'
import { REDIRECTS_MAX, REPLAY_BYTES_MAX } from './limits.ts'
import { type RequestHead, readUrl } from './request-head.ts'

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** They were meant for the host that they were given for. */
const PRIVATE_HEADERS = ['authorization', 'cookie', 'cookie2', 'proxy-authorization', 'www-authenticate']
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type']

export function isRedirect(status: number): boolean {
  return REDIRECT_STATUSES.has(status)
}

/**
 * The request that follows a redirect, as the fetch standard has it.
 * @param body whether there is one and it can be sent again
 * @returns undefined without a Location: then the answer is the answer
 * @throws EgressError
 */
export function follow(
  head: RequestHead,
  status: number,
  location: string | undefined,
  count: number,
  body: 'none' | 'kept' | 'gone'
): { head: RequestHead; dropBody: boolean } | undefined {
  if (location === undefined) return undefined
  if (count >= REDIRECTS_MAX) throw new EgressError('redirects', `redirect count exceeded: more than ${REDIRECTS_MAX}`)
  // Header bytes arrive as latin1; servers send UTF-8 there.
  const url = readUrl(Buffer.from(location, 'latin1').toString('utf8'), head.url)
  const headers = new Map(head.headers)
  let { method } = head
  const upper = method.toUpperCase()
  const toGet = (status <= 302 && upper === 'POST') || (status === 303 && upper !== 'GET' && upper !== 'HEAD')
  if (toGet) {
    method = 'GET'
    for (const name of BODY_HEADERS) headers.delete(name)
  } else if (body === 'gone') {
    throw new EgressError(
      'redirects',
      `a ${status} redirect wants the body again, which was a stream or larger than ${REPLAY_BYTES_MAX} bytes`
    )
  }
  if (url.origin !== head.url.origin) for (const name of PRIVATE_HEADERS) headers.delete(name)
  return { head: { method, url, headers }, dropBody: toGet }
}
