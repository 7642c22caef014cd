import { PeerlessError } from '@peerless/interface'
import type { z } from 'zod'
import { type ApiCall, parseJson } from './api-call.ts'

/** Of a value in an error: enough to see which it is, too little of an invite token to be of use to who reads the log. */
const SHOWN_CHARACTERS_MAX = 60

/** The body of a call to the mesh API by its schema. @throws INVALID_ARGUMENT naming members, values and rules */
export function checked<Schema extends z.ZodType>(schema: Schema, call: ApiCall): z.output<Schema> {
  const result = schema.safeParse(call.body.length === 0 ? {} : parseJson(call.body), { reportInput: true })
  if (result.success) return result.data
  const issues = result.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'the body'}${shown(issue.input)}: ${issue.message}`)
  throw new PeerlessError('INVALID_ARGUMENT', issues.join('; ').slice(0, 1_000))
}

/** A text, number or boolean; of a list or an object the rule says enough. */
function shown(value: unknown): string {
  if (value === undefined || (typeof value === 'object' && value !== null)) return ''
  const text = JSON.stringify(value)
  return ` ${text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text}`
}
