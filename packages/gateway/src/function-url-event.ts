import { isUtf8 } from 'node:buffer'
import type { AccessKey, EventBody } from '@peerless/interface'
import { type EventConnection, EventHeaders, objectJson } from './event-headers.ts'
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
    readonly 'content-length'?: string | undefined
    readonly 'content-encoding'?: string | undefined
  }
  readonly socket: EventConnection
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
  /** So many bytes of the buffer before the body may be written to; default none. */
  readonly headroomBytes?: number | undefined
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

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export class EventBuilder {
  readonly #accountId: string
  readonly #headers = new EventHeaders()
  #second = -1
  #timeText = ''
  /** `1-SECONDS-`, the beginning of every trace id of this second. */
  #traceHead = ''

  /** @param accountId 12 digits */
  constructor(accountId: string) {
    this.#accountId = accountId
  }

  /**
   * @param name of the function: it stands for the id of the URL
   * @param anonymous a function URL that asks nobody who he is: the account is said to be that, as at AWS
   */
  partsOf(name: string, anonymous: boolean): EventParts {
    const quotedName = JSON.stringify(name)
    const account = JSON.stringify(anonymous ? 'anonymous' : this.#accountId)
    return {
      contextHead: `"requestContext":{"accountId":${account},"apiId":${quotedName},"domainName":`,
      contextName: `,"domainPrefix":${quotedName},"http":{"method":`
    }
  }

  /** The payload of the call; with `body`, it ends with the bytes of that. */
  build(parts: EventParts, order: EventOrder): { payload: Buffer; body: EventBody | undefined } {
    const { body } = order
    const json = this.#json(parts, order)
    if (body === undefined || body.length === 0)
      return { payload: Buffer.from(`${json},"isBase64Encoded":false}`), body: undefined }
    const { headers } = order.request
    const base64 = !isText(headers['content-type'], headers['content-encoding']) || !isUtf8(body)
    const head = `${json},"body":"","isBase64Encoded":${base64}}`
    const headBytes = Buffer.byteLength(head)
    const payload = withRoomBefore(body, headBytes, order.headroomBytes ?? 0)
    payload.write(head)
    return { payload, body: { bytes: body.length, base64 } }
  }

  /** Without the body and its encoding, and without the last brace. */
  #json(parts: EventParts, order: EventOrder): string {
    const { request, rawQuery, body } = order
    const headers = request.headers
    const path = JSON.stringify(order.rawPath)
    const { route } = order
    const routeKey = route === undefined ? '"$default"' : route.keyJson
    let json = `{"version":"2.0","routeKey":${routeKey},"rawPath":${path},"rawQueryString":${JSON.stringify(rawQuery)}`
    const cookie = headers.cookie
    if (cookie !== undefined) json += `,"cookies":${cookiesJson(cookie)}`
    const forwarder = this.#headers.forwarderOf(request.socket)
    const time = this.#time(order.now)
    const traceId = this.#traceHead + traceTailOf(order.requestId)
    // API Gateway takes cookies out of the headers, function URLs leave them there.
    if (route !== undefined && cookie !== undefined)
      json += `,"headers":{${this.#headers.merge(request.rawHeaders, forwarder, traceId, 'cookie')}`
    else json += `,"headers":{${this.#headers.join(request.rawHeaders, forwarder, traceId)}`
    // Chunks were counted.
    if (body !== undefined && headers['content-length'] === undefined) json += `,"content-length":"${body.length}"`
    json += '}'
    if (rawQuery.length !== 0) json += `,"queryStringParameters":{${queryJson(rawQuery)}}`
    json += `,${parts.contextHead}${JSON.stringify(domainOf(headers.host))}${parts.contextName}"${request.method}","path":${path}`
    json += `,"protocol":"HTTP/${request.httpVersion}","sourceIp":"${forwarder.ip}"`
    json += `,"userAgent":${JSON.stringify(headers['user-agent'] ?? '')}},"requestId":"${order.requestId}"`
    json += `,"routeKey":${routeKey},"stage":"$default","time":"${time}","timeEpoch":${order.now}`
    if (order.key !== undefined) json += `,"authorizer":{"iam":${this.#iamJson(order.key)}}`
    json += '}'
    if (route?.parametersJson !== undefined) json += `,"pathParameters":${route.parametersJson}`
    return json
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
      this.#traceHead = `1-${second.toString(16).padStart(8, '0')}-`
      this.#timeText = `${day}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${hours}:${minutes}:${seconds} +0000`
    }
    return this.#timeText
  }
}

/** A buffer that ends with the body, with so many bytes before it: the body's own where there is room. */
function withRoomBefore(body: Buffer, bytes: number, headroomBytes: number): Buffer {
  if (bytes <= headroomBytes) return Buffer.from(body.buffer, body.byteOffset - bytes, bytes + body.length)
  const payload = Buffer.allocUnsafeSlow(bytes + body.length)
  body.copy(payload, bytes)
  return payload
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

/** 24 hexadecimal digits of the request's id: whoever has one of the two finds the other. */
function traceTailOf(requestId: string): string {
  return requestId.slice(0, 8) + requestId.slice(9, 13) + requestId.slice(24)
}

/** AWS passes text and JSON, XML and JavaScript as they are, everything else (forms too) in base64. */
export function isText(contentType: string | undefined, contentEncoding: string | undefined): boolean {
  if (contentType === undefined || contentEncoding !== undefined) return false
  const semicolon = contentType.indexOf(';')
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
  if (type.startsWith('text/') || type === 'application/json') return true
  return type === 'application/xml' || type === 'application/javascript' || type.endsWith('+json') || type.endsWith('+xml')
}
