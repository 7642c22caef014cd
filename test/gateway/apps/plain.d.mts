import type { IncomingHttpHeaders } from 'node:http'

export function answer(
  method: string | undefined,
  url: string | undefined,
  headers: IncomingHttpHeaders,
  body: Buffer
): { status: number; headers: Record<string, string | string[]>; body: string | Uint8Array }
