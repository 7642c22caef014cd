import type { ApiCall } from './api-call.ts'
import type { CodeUrls } from './code-url.ts'
import type { Members } from './lambda-members.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { GatewayContext } from './options.ts'

/** What the operations of the Lambda API share. */
export interface LambdaContext extends GatewayContext {
  codeUrls: CodeUrls
  gatewayMetrics: GatewayMetrics
}

/** One operation: its members are checked; it answers with `status` of the model unless it knows better. */
export interface LambdaRequest {
  readonly call: ApiCall
  readonly input: Members
  /** Success of the model. */
  readonly status: number
}

export type Handler = (request: LambdaRequest) => Promise<void> | void
export type Handlers = Readonly<Record<string, Handler>>

/** Answers with the operation's status of success. */
export function answer({ call, status }: LambdaRequest, body: unknown): void {
  call.json(status, body)
}
