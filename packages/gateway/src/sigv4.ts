import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { AccessKey, Clock } from '@peerless/interface'
import type { ApiRequest } from './api-call.ts'
import { ApiError } from './api-error.ts'
import { AUTHORIZATION_CHARS_MAX, CLOCK_SKEW_MS_MAX, QUOTED_CHARS_MAX, SIGNING_KEYS_CACHED_MAX } from './limits.ts'
import type { AccessKeys } from './options.ts'
import { canonicalPath, canonicalQuery, headerValues } from './sigv4-canonical.ts'

const ALGORITHM = 'AWS4-HMAC-SHA256'
const SERVICE = 'lambda'
const SIGNED_HEADERS_MAX = 100
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

/** A request that says who signed it; true only once `verify` has said so. */
export interface Claim {
  readonly key: AccessKey
  readonly request: ApiRequest
  readonly headers: ReadonlyMap<string, string>
  readonly amzDate: string
  readonly scopeDate: string
  readonly region: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** What `X-Amz-Content-Sha256` says, if it was sent. */
  readonly allegedHash: string | undefined
  /** The signature was found right, for the alleged hash. */
  signatureHolds: boolean
}

/**
 * Verifies AWS Signature Version 4 in the Authorization header. Two steps: `begin` looks at headers only, so that a stranger's
 * body is never read (and where the body's hash is signed along, the signature is already checked there); `finish` binds the body.
 */
export class Sigv4Verifier {
  readonly #keys: Pick<AccessKeys, 'get'>
  readonly #clock: Clock
  readonly #signingKeys = new Map<string, { secret: string; signingKey: Buffer }>()

  constructor(keys: Pick<AccessKeys, 'get'>, clock: Clock) {
    this.#keys = keys
    this.#clock = clock
  }

  /** @throws ApiError UNAUTHENTICATED */
  begin(request: ApiRequest): Claim {
    const authorization = request.headers.authorization
    if (authorization === undefined) throw refused('MissingAuthenticationTokenException', missing(request))
    const { credential, signedHeaders, signature } = parseAuthorization(authorization)
    const [accessKeyId, scopeDate, region] = parseCredential(credential)
    const headers = headerValues(request)
    const amzDate = headers.get('x-amz-date')
    if (amzDate === undefined || !/^\d{8}T\d{6}Z$/.test(amzDate))
      throw refused('IncompleteSignatureException', `'X-Amz-Date' must be given as YYYYMMDDTHHMMSSZ, got ${quoted(amzDate)}`)
    this.#checkTime(amzDate, scopeDate)
    checkSignedHeaders(headers, signedHeaders)
    const key = this.#keys.get(accessKeyId)
    if (key === undefined) throw refused('UnrecognizedClientException', 'The security token included in the request is invalid.')
    const allegedHash = headers.get('x-amz-content-sha256')
    if (allegedHash !== undefined && !/^[0-9a-f]{64}$/.test(allegedHash))
      throw refused(
        'InvalidSignatureException',
        `'X-Amz-Content-Sha256' must be the SHA-256 of the body in lower-case hex (unsigned and streaming payloads are not taken), got ${quoted(allegedHash)}`
      )
    const claim = {
      key,
      request,
      headers,
      amzDate,
      scopeDate,
      region,
      signedHeaders,
      signature,
      allegedHash,
      signatureHolds: false
    }
    if (allegedHash !== undefined) {
      this.#verify(claim, allegedHash)
      claim.signatureHolds = true
    }
    return claim
  }

  /**
   * @param bodyHash SHA-256 of the body as received, lower-case hex
   * @throws ApiError UNAUTHENTICATED
   */
  finish(claim: Claim, bodyHash: string): AccessKey {
    if (claim.allegedHash !== undefined && claim.allegedHash !== bodyHash)
      throw refused('InvalidSignatureException', "The provided 'x-amz-content-sha256' header does not match what was computed.")
    if (!claim.signatureHolds) this.#verify(claim, bodyHash)
    return claim.key
  }

  #checkTime(amzDate: string, scopeDate: string): void {
    if (!amzDate.startsWith(scopeDate))
      throw refused(
        'InvalidSignatureException',
        `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scopeDate}' != '${amzDate.slice(0, 8)}'`
      )
    const at = (from: number, to: number) => Number(amzDate.slice(from, to))
    const time = Date.UTC(at(0, 4), at(4, 6) - 1, at(6, 8), at(9, 11), at(11, 13), at(13, 15))
    const skewMs = this.#clock.now() - time
    if (Math.abs(skewMs) <= CLOCK_SKEW_MS_MAX) return
    const now = new Date(this.#clock.now()).toISOString().replace(/[-:]|\.\d+/g, '')
    throw refused(
      'InvalidSignatureException',
      `Signature ${skewMs > 0 ? 'expired' : 'not yet current'}: ${amzDate} is more than ${CLOCK_SKEW_MS_MAX / 60_000} minutes from this node's time ${now}`
    )
  }

  #verify(claim: Claim, bodyHash: string): void {
    const url = claim.request.url ?? '/'
    const mark = url.indexOf('?')
    let canonicalHeaders = ''
    for (const name of claim.signedHeaders) canonicalHeaders += `${name}:${claim.headers.get(name) ?? ''}\n`
    const canonical = `${claim.request.method}\n${canonicalPath(mark < 0 ? url : url.slice(0, mark))}\n${canonicalQuery(
      mark < 0 ? '' : url.slice(mark + 1)
    )}\n${canonicalHeaders}\n${claim.signedHeaders.join(';')}\n${bodyHash}`
    const scope = `${claim.scopeDate}/${claim.region}/${SERVICE}/aws4_request`
    const toSign = `${ALGORITHM}\n${claim.amzDate}\n${scope}\n${hash('sha256', canonical)}`
    const expected = createHmac('sha256', this.#signingKey(claim)).update(toSign).digest()
    if (!timingSafeEqual(expected, Buffer.from(claim.signature, 'hex'))) throw refused('InvalidSignatureException', MISMATCH)
  }

  #signingKey(claim: Claim): Buffer {
    const { accessKeyId, secretAccessKey } = claim.key
    const name = `${accessKeyId}/${claim.scopeDate}/${claim.region}`
    const cached = this.#signingKeys.get(name)
    // A key may be made anew under its old id with another secret.
    if (cached !== undefined && cached.secret === secretAccessKey) return cached.signingKey
    const steps = [claim.scopeDate, claim.region, SERVICE, 'aws4_request']
    const signingKey = steps.reduce(
      (key, step) => createHmac('sha256', key).update(step).digest(),
      Buffer.from(`AWS4${secretAccessKey}`, 'utf8')
    )
    if (this.#signingKeys.size >= SIGNING_KEYS_CACHED_MAX) this.#signingKeys.clear()
    this.#signingKeys.set(name, { secret: secretAccessKey, signingKey })
    return signingKey
  }
}

function parseAuthorization(authorization: string): { credential: string; signedHeaders: string[]; signature: string } {
  if (authorization.length > AUTHORIZATION_CHARS_MAX)
    throw refused(
      'IncompleteSignatureException',
      `Authorization header has ${authorization.length} characters; at most ${AUTHORIZATION_CHARS_MAX} are taken`
    )
  if (!authorization.startsWith(`${ALGORITHM} `))
    throw refused(
      'IncompleteSignatureException',
      `Authorization header must begin with '${ALGORITHM}', got ${quoted(authorization)}`
    )
  const parts = new Map<string, string>()
  for (const part of authorization.slice(ALGORITHM.length).split(',')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, equals < 0 ? part.length : equals).trim()
    if (equals < 0 || parts.has(name))
      throw refused(
        'IncompleteSignatureException',
        `Authorization header: ${quoted(part.trim())} is not a key=value pair, or twice`
      )
    parts.set(name, part.slice(equals + 1).trim())
  }
  const signature = parts.get('Signature')
  if (signature === undefined || !/^[0-9a-f]{64}$/.test(signature))
    throw refused('IncompleteSignatureException', "Authorization header requires 'Signature' parameter of 64 hexadecimal digits")
  const signedHeaders = (parts.get('SignedHeaders') ?? '').split(';')
  const tokens =
    signedHeaders.length <= SIGNED_HEADERS_MAX && signedHeaders.every((name) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
  if (!tokens)
    throw refused(
      'IncompleteSignatureException',
      `Authorization header requires 'SignedHeaders' parameter: 1 to ${SIGNED_HEADERS_MAX} lower-case names joined by ';'`
    )
  return { credential: parts.get('Credential') ?? '', signedHeaders, signature }
}

function parseCredential(credential: string): [accessKeyId: string, scopeDate: string, region: string] {
  const match = /^([^/\s]{1,128})\/(\d{8})\/([A-Za-z0-9-]{1,64})\/([^/]*)\/([^/]*)$/.exec(credential)
  if (match === null)
    throw refused(
      'IncompleteSignatureException',
      `Authorization header requires 'Credential' parameter KEY/YYYYMMDD/REGION/${SERVICE}/aws4_request, got ${quoted(credential)}`
    )
  const [, accessKeyId = '', scopeDate = '', region = '', service, terminator] = match
  if (service !== SERVICE)
    throw refused(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${SERVICE}', got ${quoted(service)}.`
    )
  if (terminator !== 'aws4_request')
    throw refused(
      'InvalidSignatureException',
      `Credential should be scoped with a valid terminator: 'aws4_request', got ${quoted(terminator)}.`
    )
  return [accessKeyId, scopeDate, region]
}

/** What means something to us must be covered: the host, the time, and every `x-amz-` header; the content hash is checked by itself. */
function checkSignedHeaders(headers: ReadonlyMap<string, string>, signedHeaders: readonly string[]): void {
  const signed = new Set(signedHeaders)
  if (!signed.has('host')) throw refused('InvalidSignatureException', "'Host' must be a 'SignedHeader' in the AWS Authorization.")
  for (const name of headers.keys()) {
    if (!name.startsWith('x-amz-') || signed.has(name)) continue
    if (name === 'x-amz-content-sha256' || name === 'x-amz-security-token') continue
    throw refused(
      'InvalidSignatureException',
      `'${name}' is in the request and must be a 'SignedHeader' in the AWS Authorization.`
    )
  }
}

function missing(request: ApiRequest): string {
  return request.url?.includes('X-Amz-Signature=') === true
    ? 'Missing Authentication Token: presigned URLs are not taken here, sign the Authorization header'
    : 'Missing Authentication Token'
}

function refused(awsCode: string, message: string): ApiError {
  return new ApiError('UNAUTHENTICATED', awsCode, message)
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'nothing' : `'${text.slice(0, QUOTED_CHARS_MAX)}'`
}
