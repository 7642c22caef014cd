import type { ApiRequest } from './api-call.ts'
import { ApiError } from './api-error.ts'
import { AUTHORIZATION_CHARS_MAX, PRESIGNED_SECONDS_MAX, QUOTED_CHARS_MAX } from './limits.ts'
import { queryPairs } from './url-query.ts'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
/** The query parameter that cannot sign itself. */
export const SIGNATURE_PARAMETER = 'X-Amz-Signature'
/** Signatures for several regions at once, by a key pair that is derived from the secret: nothing here needs them. */
const ASYMMETRIC_ALGORITHM = 'AWS4-ECDSA-P256-SHA256'
const SIGNED_HEADERS_MAX = 100

/** What a request says of its signature; alleged, all of it. */
export interface SignatureParts {
  /** It stands in the query. */
  readonly presigned: boolean
  readonly accessKeyId: string
  readonly scopeDate: string
  readonly region: string
  /** `YYYYMMDDTHHMMSSZ` */
  readonly amzDate: string
  /** How long after that it holds, in milliseconds, where the signer has said so; only presigned URLs can. */
  readonly validMs: number | undefined
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** SHA-256 of the body in lower-case hex, if it was sent along. */
  readonly allegedHash: string | undefined
}

/**
 * Reads the signature of a request, from the Authorization header where there is one, else from the query (a presigned URL).
 * @param headers by lower-case name
 * @param service that the request must be signed for
 * @throws ApiError UNAUTHENTICATED
 */
export function readSignature(request: ApiRequest, headers: ReadonlyMap<string, string>, service: string): SignatureParts {
  const { authorization } = request.headers
  if (authorization !== undefined) return fromHeader(authorization, headers, service)
  const presigned = presignedParameters(request.url ?? '')
  if (presigned === undefined) throw refused('MissingAuthenticationTokenException', 'Missing Authentication Token')
  return fromQuery(presigned, headers, service)
}

/** The service that a request says it is signed for, whether that holds or not; undefined for what is not signed so. */
export function allegedService({ url = '', headers }: Pick<ApiRequest, 'url' | 'headers'>): string | undefined {
  const { authorization } = headers
  if (authorization !== undefined)
    return /Credential=[^/,\s]{1,128}\/\d{8}\/[^/,\s]{1,64}\/([a-z0-9-]{1,64})\/aws4_request/.exec(authorization)?.[1]
  return /[?&]X-Amz-Credential=[^&%]{1,128}%2F\d{8}%2F[^&%]{1,64}%2F([a-z0-9-]{1,64})%2Faws4_request/.exec(url)?.[1]
}

function fromHeader(authorization: string, headers: ReadonlyMap<string, string>, service: string): SignatureParts {
  if (authorization.length > AUTHORIZATION_CHARS_MAX)
    throw incomplete(`Authorization header has ${authorization.length} characters; at most ${AUTHORIZATION_CHARS_MAX} are taken`)
  if (authorization.startsWith(ASYMMETRIC_ALGORITHM)) throw asymmetric()
  if (!authorization.startsWith(`${ALGORITHM} `))
    throw incomplete(`Authorization header must begin with '${ALGORITHM}', got ${quoted(authorization)}`)
  const parts = new Map<string, string>()
  for (const part of authorization.slice(ALGORITHM.length).split(',')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, equals < 0 ? part.length : equals).trim()
    if (equals < 0 || parts.has(name))
      throw incomplete(`Authorization header: ${quoted(part.trim())} is not a key=value pair, or twice`)
    parts.set(name, part.slice(equals + 1).trim())
  }
  const said = {
    credential: parts.get('Credential'),
    signedHeaders: parts.get('SignedHeaders'),
    signature: parts.get('Signature')
  }
  return {
    ...checked(said, IN_HEADER, service),
    presigned: false,
    amzDate: checkedDate(headers.get('x-amz-date')),
    validMs: undefined,
    allegedHash: allegedHash(headers, undefined)
  }
}

/** The parameters of a presigned URL by name; undefined where the query has no signature. @throws ApiError where one is there twice */
function presignedParameters(url: string): ReadonlyMap<string, string> | undefined {
  const mark = url.indexOf('?')
  // Almost every unsigned request ends here.
  if (mark < 0 || !/X-Amz-(?:Signature|Algorithm)=/.test(url)) return undefined
  const parameters = new Map<string, string>()
  for (const [name, value] of queryPairs(url.slice(mark + 1))) {
    if (!name.startsWith('X-Amz-')) continue
    if (parameters.has(name))
      throw incomplete(`AWS query-string parameters must be given once, '${name.slice(0, QUOTED_CHARS_MAX)}' is there twice`)
    parameters.set(name, value)
  }
  return parameters.has('X-Amz-Algorithm') || parameters.has(SIGNATURE_PARAMETER) ? parameters : undefined
}

function fromQuery(
  parameters: ReadonlyMap<string, string>,
  headers: ReadonlyMap<string, string>,
  service: string
): SignatureParts {
  const algorithm = parameters.get('X-Amz-Algorithm')
  if (algorithm === ASYMMETRIC_ALGORITHM) throw asymmetric()
  if (algorithm !== ALGORITHM)
    throw incomplete(`AWS query-string parameters must include 'X-Amz-Algorithm' ${ALGORITHM}, got ${quoted(algorithm)}`)
  const said = {
    credential: parameters.get('X-Amz-Credential'),
    signedHeaders: parameters.get('X-Amz-SignedHeaders'),
    signature: parameters.get(SIGNATURE_PARAMETER)
  }
  return {
    ...checked(said, IN_QUERY, service),
    presigned: true,
    amzDate: checkedDate(parameters.get('X-Amz-Date')),
    validMs: validMsOf(parameters.get('X-Amz-Expires')),
    allegedHash: allegedHash(headers, parameters.get('X-Amz-Content-Sha256'))
  }
}

/** As errors name the parts. */
interface Place {
  readonly where: string
  readonly prefix: string
}

const IN_HEADER: Place = { where: 'Authorization header requires', prefix: '' }
const IN_QUERY: Place = { where: 'AWS query-string parameters must include', prefix: 'X-Amz-' }

type Said = Record<'credential' | 'signedHeaders' | 'signature', string | undefined>
type Checked = Pick<SignatureParts, 'accessKeyId' | 'scopeDate' | 'region' | 'signedHeaders' | 'signature'>

function checked(said: Said, { where, prefix }: Place, wanted: string): Checked {
  const { signature } = said
  if (signature === undefined || !/^[0-9a-f]{64}$/.test(signature))
    throw incomplete(`${where} '${prefix}Signature' parameter of 64 hexadecimal digits`)
  const signedHeaders = (said.signedHeaders ?? '').split(';')
  const tokens =
    signedHeaders.length <= SIGNED_HEADERS_MAX && signedHeaders.every((name) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
  if (!tokens)
    throw incomplete(`${where} '${prefix}SignedHeaders' parameter: 1 to ${SIGNED_HEADERS_MAX} lower-case names joined by ';'`)
  const credential = said.credential ?? ''
  const match = /^([^/\s]{1,128})\/(\d{8})\/([A-Za-z0-9-]{1,64})\/([^/]*)\/([^/]*)$/.exec(credential)
  if (match === null)
    throw incomplete(
      `${where} '${prefix}Credential' parameter KEY/YYYYMMDD/REGION/${wanted}/aws4_request, got ${quoted(credential)}`
    )
  const [, accessKeyId = '', scopeDate = '', region = '', service, terminator] = match
  if (service !== wanted)
    throw refused(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${wanted}', got ${quoted(service)}.`
    )
  if (terminator !== 'aws4_request')
    throw refused(
      'InvalidSignatureException',
      `Credential should be scoped with a valid terminator: 'aws4_request', got ${quoted(terminator)}.`
    )
  return { accessKeyId, scopeDate, region, signedHeaders, signature }
}

function checkedDate(amzDate: string | undefined): string {
  if (amzDate !== undefined && /^\d{8}T\d{6}Z$/.test(amzDate)) return amzDate
  throw incomplete(`'X-Amz-Date' must be given as YYYYMMDDTHHMMSSZ, got ${quoted(amzDate)}`)
}

function validMsOf(expires: string | undefined): number | undefined {
  if (expires === undefined) return undefined
  const seconds = /^\d{1,6}$/.test(expires) ? Number(expires) : 0
  if (seconds < 1 || seconds > PRESIGNED_SECONDS_MAX)
    throw incomplete(`'X-Amz-Expires' must be from 1 to ${PRESIGNED_SECONDS_MAX} seconds, got ${quoted(expires)}`)
  return seconds * 1_000
}

/** Signers of URLs may move the header to the query. Lambda takes no unsigned payloads (CloudFront developer guide, origin access control). */
function allegedHash(headers: ReadonlyMap<string, string>, inQuery: string | undefined): string | undefined {
  const alleged = headers.get('x-amz-content-sha256') ?? inQuery
  if (alleged === undefined || /^[0-9a-f]{64}$/.test(alleged)) return alleged
  throw refused(
    'InvalidSignatureException',
    `'X-Amz-Content-Sha256' must be the SHA-256 of the body in lower-case hex (unsigned and streaming payloads are not taken), got ${quoted(alleged)}`
  )
}

/** The refusal of a request for who it says it is from. */
export function refused(awsCode: string, message: string): ApiError {
  return new ApiError('UNAUTHENTICATED', awsCode, message)
}

function incomplete(message: string): ApiError {
  return refused('IncompleteSignatureException', message)
}

function asymmetric(): ApiError {
  return incomplete(`signatures of ${ASYMMETRIC_ALGORITHM} (SigV4a) are not taken here: sign with ${ALGORITHM}`)
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'nothing' : `'${text.slice(0, QUOTED_CHARS_MAX)}'`
}
