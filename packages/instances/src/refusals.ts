import type { Lost, Refused } from '@peerless/interface'
import { BUSY_RETRY_MS } from './limits.ts'

export function refused(code: Refused['code'], message: string, retryAfterMs = BUSY_RETRY_MS): Refused {
  return { status: 'refused', code, message, retryAfterMs }
}

export function lost(node: string, message: string): Lost {
  return { status: 'lost', message, node }
}
