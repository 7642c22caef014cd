import { PeerlessError } from '@peerless/interface'
import type { z } from 'zod'
import { type ApiCall, parseJson } from './api-call.ts'

/** The body of a call to the mesh API by its schema. @throws INVALID_ARGUMENT naming members and rules */
export function checked<Schema extends z.ZodType>(schema: Schema, call: ApiCall): z.output<Schema> {
  const result = schema.safeParse(call.body.length === 0 ? {} : parseJson(call.body))
  if (result.success) return result.data
  const issues = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`)
  throw new PeerlessError('INVALID_ARGUMENT', issues.join('; ').slice(0, 1_000))
}
