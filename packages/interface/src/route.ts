import type { CorsSettings, UrlAuth } from './function.ts'

/**
 * An HTTP route as API Gateway's HTTP APIs have them: method and path, perhaps for one host, lead to a function. Stored in the catalog under
 * `route/ID`; plain data, CBOR-safe.
 */
export interface RouteRecord {
  /** 32 hex digits that follow from host, method and path without the names of its parameters: two routes that match the same are one. */
  readonly id: string
  /** Lower case, without a port; `*.example.com` is any one label before it. undefined: every host that no other route names. */
  readonly host: string | undefined
  /** `GET /users/{id}`, `ANY /{proxy+}` or `$default`. */
  readonly routeKey: string
  /** Who owns the route: the function's owner when it was made. */
  readonly account: string
  readonly functionName: string
  readonly qualifier: string | undefined
  readonly auth: UrlAuth
  readonly invokeMode: 'BUFFERED' | 'RESPONSE_STREAM'
  readonly cors: CorsSettings | undefined
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly modifiedAt: number
}
