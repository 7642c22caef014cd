import type { IncomingRequest } from '@peerless/interface'

/** A call under way in an instance. Times are of `performance.now`. */
export interface Call {
  readonly request: IncomingRequest
  readonly requestId: string
  readonly http: boolean
  readonly timeoutMs: number
  readonly startedAt: number
  readonly cpuAtStartUs: number
  stretchUsMax: number
  settled: boolean
  status: number
  body: string | Uint8Array
  statusCode: number
  headers: string[] | undefined
  deadline: NodeJS.Timeout | undefined
}
