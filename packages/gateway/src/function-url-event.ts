import { isUtf8 } from 'node:buffer'
import { type AccessKey, PeerlessError } from '@peerless/interface'
import { HEADER_NAMES_CACHED_MAX } from './limits.ts'
import { queryPairs } from './url-query.ts'

/** What of a request goes into its event; an `IncomingMessage` is one. */
interface EventRequest {
  readonly method?: string | undefined
  readonly httpVersion: string
  readonly rawHeaders: readonly string[]
  readonly headers: {
    readonly host?: string | undefined
    readonly cookie?: string | undefined
    readonly 'user-agent'?: string | undefined
    readonly 'content-type'?: string | undefined
    readonly 'content-encoding'?: string | undefined
  }
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/**
 * The event of a function URL in API Gateway's payload format 2.0 (AWS Lambda developer guide, "Invoking Lambda function URLs").
 * It is made by joining strings because it is on the way of every call: an object of this shape plus JSON.stringify takes twice as long.
 * Every text that comes from outside passes `JSON.stringify`.
 */
export interface EventOrder {
  readonly request: EventRequest
  /** From the first slash after the name; `/` when there is none. Not decoded. */
  readonly rawPath: string
  /** Without the question mark. */
  readonly rawQuery: string
  /** undefined when the request has none. */
  readonly body: Buffer | undefined
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly now: number
  /** The route that led here; undefined: a function URL. */
  readonly route: EventRoute | undefined
  /** Who signed it, where the function asks for AWS_IAM. */
  readonly key: AccessKey | undefined
}

/** What an event says of its route, in JSON. */
export interface EventRoute {
  readonly keyJson: string
  /** An object of names and decoded values; undefined when the route has no parameters. */
  readonly parametersJson: string | undefined
}

/** The parts of the event that depend on the function alone. */
export interface EventParts {
  readonly contextHead: string
  readonly contextName: string
}

interface HeaderName {
  readonly lower: string
  /** Quoted, with its colon. */
  readonly json: string
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export class EventBuilder {
  readonly #accountId: string
  readonly #names = new Map<string, HeaderName>()
  #second = -1
  #timeText = ''

  /** @param accountId 12 digits */
  constructor(accountId: string) {
    this.#accountId = accountId
  }

  /** @param name of the function: it stands for the id of the URL */
  partsOf(name: string): EventParts {
    const quotedName = JSON.stringify(name)
    return {
      contextHead: `"requestContext":{"accountId":${JSON.stringify(this.#accountId)},"apiId":${quotedName},"domainName":`,
      contextName: `,"domainPrefix":${quotedName},"http":{"method":`
    }
  }

  build(parts: EventParts, order: EventOrder): Buffer {
    const { request, rawQuery, body } = order
    const headers = request.headers
    const path = JSON.stringify(order.rawPath)
    const { route } = order
    const routeKey = route === undefined ? '"$default"' : route.keyJson
    let json = `{"version":"2.0","routeKey":${routeKey},"rawPath":${path},"rawQueryString":${JSON.stringify(rawQuery)}`
    const cookie = headers.cookie
    if (cookie !== undefined) json += `,"cookies":${cookiesJson(cookie)}`
    // API Gateway takes cookies out of the headers, function URLs leave them there.
    if (route !== undefined && cookie !== undefined) json += `,"headers":{${manyHeadersJson(request.rawHeaders, true)}}`
    else json += `,"headers":{${this.#headersJson(request.rawHeaders)}}`
    if (rawQuery.length !== 0) json += `,"queryStringParameters":{${queryJson(rawQuery)}}`
    json += `,${parts.contextHead}${JSON.stringify(domainOf(headers.host))}${parts.contextName}"${request.method}","path":${path}`
    json += `,"protocol":"HTTP/${request.httpVersion}","sourceIp":"${sourceIpOf(request)}"`
    json += `,"userAgent":${JSON.stringify(headers['user-agent'] ?? '')}},"requestId":"${order.requestId}"`
    json += `,"routeKey":${routeKey},"stage":"$default","time":"${this.#time(order.now)}","timeEpoch":${order.now}`
    if (order.key !== undefined) json += `,"authorizer":{"iam":${this.#iamJson(order.key)}}`
    json += '}'
    if (route?.parametersJson !== undefined) json += `,"pathParameters":${route.parametersJson}`
    if (body === undefined || body.length === 0) return Buffer.from(`${json},"isBase64Encoded":false}`)
    if (isText(headers['content-type'], headers['content-encoding']) && isUtf8(body))
      return Buffer.from(`${json},"body":${JSON.stringify(body.toString('utf8'))},"isBase64Encoded":false}`)
    return Buffer.from(`${json},"body":"${body.toString('base64')}","isBase64Encoded":true}`)
  }

  #headersJson(raw: readonly string[]): string {
    if (raw.length > 2 * HEADERS_SEARCHED_MAX) return manyHeadersJson(raw)
    let json = ''
    for (let index = 0; index + 1 < raw.length; index += 2) {
      const name = this.#nameOf(raw[index] as string)
      for (let before = 0; before < index; before += 2) {
        if (this.#nameOf(raw[before] as string).lower === name.lower) return manyHeadersJson(raw)
      }
      json += `${index === 0 ? '' : ','}${name.json}${JSON.stringify(raw[index + 1])}`
    }
    return json
  }

  #nameOf(raw: string): HeaderName {
    const known = this.#names.get(raw)
    if (known !== undefined) return known
    const lower = raw.toLowerCase()
    const made = { lower, json: `${JSON.stringify(lower)}:` }
    if (this.#names.size >= HEADER_NAMES_CACHED_MAX) this.#names.clear()
    this.#names.set(raw, made)
    return made
  }

  #iamJson(key: AccessKey): string {
    return JSON.stringify({
      accessKey: key.accessKeyId,
      accountId: this.#accountId,
      callerId: key.account,
      cognitoIdentity: null,
      principalOrgId: null,
      userArn: `arn:aws:iam::${this.#accountId}:user/${key.account}`,
      userId: key.account
    })
  }

  /** `12/Mar/2020:19:03:58 +0000`; made once a second. */
  #time(now: number): string {
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) {
      const date = new Date(now)
      const [day, hours, minutes, seconds] = [
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds()
      ].map((value) => String(value).padStart(2, '0'))
      this.#second = second
      this.#timeText = `${day}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${hours}:${minutes}:${seconds} +0000`
    }
    return this.#timeText
  }
}

/** Below this many headers a repeated name is looked for one by one; above it by a map, so that no client makes it quadratic. */
const HEADERS_SEARCHED_MAX = 40

/**
 * With repeated names, whose values are joined by a comma.
 * @throws INVALID_ARGUMENT for a second Host: two parties on the way might each believe another (RFC 9112, section 3.2)
 */
function manyHeadersJson(raw: readonly string[], withoutCookies = false): string {
  const values = new Map<string, string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase()
    if (withoutCookies && name === 'cookie') continue
    const before = values.get(name)
    if (before !== undefined && name === 'host')
      throw new PeerlessError('INVALID_ARGUMENT', 'a request must have one Host header, this one has several')
    values.set(name, before === undefined ? (raw[index + 1] as string) : `${before},${raw[index + 1]}`)
  }
  return objectJson(values)
}

function queryJson(rawQuery: string): string {
  const pairs = queryPairs(rawQuery)
  if (pairs.length === 1) {
    const [name, value] = pairs[0] as (typeof pairs)[0]
    return `${JSON.stringify(name)}:${JSON.stringify(value)}`
  }
  const values = new Map<string, string>()
  for (const [name, value] of pairs) {
    const before = values.get(name)
    values.set(name, before === undefined ? value : `${before},${value}`)
  }
  return objectJson(values)
}

function objectJson(values: ReadonlyMap<string, string>): string {
  let json = ''
  for (const [name, value] of values) json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`
  return json
}

function cookiesJson(cookie: string): string {
  return JSON.stringify(
    cookie
      .split(';')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  )
}

function domainOf(host: string | undefined): string {
  if (host === undefined) return ''
  const colon = host.lastIndexOf(':')
  return colon < 0 || host.endsWith(']') ? host : host.slice(0, colon)
}

function sourceIpOf(request: EventRequest): string {
  const address = request.socket.remoteAddress ?? ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/** AWS passes text and JSON, XML and JavaScript as they are, everything else (forms too) in base64. */
function isText(contentType: string | undefined, contentEncoding: string | undefined): boolean {
  if (contentType === undefined || contentEncoding !== undefined) return false
  const semicolon = contentType.indexOf(';')
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
  if (type.startsWith('text/') || type === 'application/json') return true
  return type === 'application/xml' || type === 'application/javascript' || type.endsWith('+json') || type.endsWith('+xml')
}
