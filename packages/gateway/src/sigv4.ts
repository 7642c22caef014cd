import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { AccessKey, Clock } from '@peerless/interface'
import type { ApiRequest } from './api-call.ts'
import { CLOCK_SKEW_MS_MAX, SIGNING_KEYS_CACHED_MAX } from './limits.ts'
import type { AccessKeys } from './options.ts'
import { canonicalPath, canonicalQuery, headerValues } from './sigv4-canonical.ts'
import { ALGORITHM, readSignature, refused, SIGNATURE_PARAMETER, type SignatureParts } from './sigv4-parts.ts'

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

/** A request that says who signed it; true only once `verify` has said so. */
export interface Claim extends SignatureParts {
  readonly key: AccessKey
  readonly request: ApiRequest
  readonly headers: ReadonlyMap<string, string>
  /** The signature was found right, for the alleged hash. */
  signatureHolds: boolean
}

/**
 * Verifies AWS Signature Version 4, in the Authorization header or in the query of a presigned URL. Two steps: `begin` looks at the head only, so that a
 * stranger's body is never read (and where the body's hash is signed along, the signature is already checked there); `finish` binds the body.
 */
export class Sigv4Verifier {
  readonly #keys: Pick<AccessKeys, 'get'>
  readonly #clock: Clock
  readonly #service: string
  readonly #signingKeys = new Map<string, { secret: string; signingKey: Buffer }>()

  /** @param service that requests must be signed for: a signature for one opens no other */
  constructor(keys: Pick<AccessKeys, 'get'>, clock: Clock, service = 'lambda') {
    this.#keys = keys
    this.#clock = clock
    this.#service = service
  }

  /** @throws ApiError UNAUTHENTICATED */
  begin(request: ApiRequest): Claim {
    const headers = headerValues(request)
    const parts = readSignature(request, headers, this.#service)
    this.#checkTime(parts)
    checkSignedHeaders(headers, parts.signedHeaders)
    const key = this.#keys.get(parts.accessKeyId)
    if (key === undefined) throw refused('UnrecognizedClientException', 'The security token included in the request is invalid.')
    const claim: Claim = { ...parts, key, request, headers, signatureHolds: false }
    if (claim.allegedHash !== undefined) {
      this.#verify(claim, claim.allegedHash)
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

  #checkTime({ amzDate, scopeDate, validMs }: SignatureParts): void {
    if (!amzDate.startsWith(scopeDate))
      throw refused(
        'InvalidSignatureException',
        `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scopeDate}' != '${amzDate.slice(0, 8)}'`
      )
    const at = (from: number, to: number) => Number(amzDate.slice(from, to))
    const time = Date.UTC(at(0, 4), at(4, 6) - 1, at(6, 8), at(9, 11), at(11, 13), at(13, 15))
    const skewMs = this.#clock.now() - time
    if (skewMs >= -CLOCK_SKEW_MS_MAX && skewMs <= (validMs ?? CLOCK_SKEW_MS_MAX)) return
    const now = new Date(this.#clock.now()).toISOString().replace(/[-:]|\.\d+/g, '')
    const bound =
      skewMs < 0 || validMs === undefined ? `${CLOCK_SKEW_MS_MAX / 60_000} minutes` : `X-Amz-Expires (${validMs / 1_000} s)`
    throw refused(
      'InvalidSignatureException',
      `Signature ${skewMs > 0 ? 'expired' : 'not yet current'}: ${amzDate} is more than ${bound} from this node's time ${now}`
    )
  }

  #verify(claim: Claim, bodyHash: string): void {
    const url = claim.request.url ?? '/'
    const mark = url.indexOf('?')
    let canonicalHeaders = ''
    for (const name of claim.signedHeaders) canonicalHeaders += `${name}:${claim.headers.get(name) ?? ''}\n`
    const canonical = `${claim.request.method}\n${canonicalPath(mark < 0 ? url : url.slice(0, mark))}\n${canonicalQuery(
      mark < 0 ? '' : url.slice(mark + 1),
      claim.presigned ? SIGNATURE_PARAMETER : undefined
    )}\n${canonicalHeaders}\n${claim.signedHeaders.join(';')}\n${bodyHash}`
    const scope = `${claim.scopeDate}/${claim.region}/${this.#service}/aws4_request`
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
    const steps = [claim.scopeDate, claim.region, this.#service, 'aws4_request']
    const signingKey = steps.reduce(
      (key, step) => createHmac('sha256', key).update(step).digest(),
      Buffer.from(`AWS4${secretAccessKey}`, 'utf8')
    )
    if (this.#signingKeys.size >= SIGNING_KEYS_CACHED_MAX) this.#signingKeys.clear()
    this.#signingKeys.set(name, { secret: secretAccessKey, signingKey })
    return signingKey
  }
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
