import { PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { z } from 'zod'
import { ASK_IDS_MAX, BATCH_EVENTS_MAX, DEAD_PAGE_MAX, UNACKED_MAX } from './constants.ts'

/**
 * QUEUE_STORE: payload [[id, meta, event]…] of the sender's events; answered with the ids that the receiver does not take, because it knows better, once
 * the others are on its disk.
 * QUEUE_UPDATE: renews the sender's lease. Payload [settled [[id, result, dead]…], metas [[id, meta]…], released [id…]]; answered when it is on disk.
 * QUEUE_ASK: header [question, …]; see `Question`.
 * QUEUE_KEEP: payload [[id, at, result or null, letter [meta, event] or null]…], ends of events for who asks later, `at` epoch milliseconds; answered when they are on disk.
 */
const ID_LENGTH_MAX = 64
const id = z.string().min(1).max(ID_LENGTH_MAX)
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes')
const isId = (value: unknown) => typeof value === 'string' && value.length > 0 && value.length <= ID_LENGTH_MAX
/** Rows that come by the thousand each second are checked in one step each. */
const row = <Row extends readonly unknown[]>(
  length: Row['length'],
  isRow: (values: readonly unknown[]) => boolean,
  what: string
) =>
  z.custom<Row>((value) => Array.isArray(value) && value.length === length && isId(value[0]) && isRow(value), `must be ${what}`)
const copy = row<[id: string, meta: Uint8Array, event: Uint8Array]>(
  3,
  ([, meta, event]) => meta instanceof Uint8Array && event instanceof Uint8Array,
  '[id, meta, event]'
)
const end = row<[id: string, result: Uint8Array, dead: boolean]>(
  3,
  ([, result, dead]) => result instanceof Uint8Array && typeof dead === 'boolean',
  '[id, result, dead]'
)
const change = row<[id: string, meta: Uint8Array]>(2, ([, meta]) => meta instanceof Uint8Array, '[id, meta]')
const storeSchema = z.array(copy).max(BATCH_EVENTS_MAX)
const updateSchema = z.tuple([z.array(end).max(UNACKED_MAX), z.array(change).max(UNACKED_MAX), z.array(id).max(UNACKED_MAX)])
const idsSchema = z.array(id).max(BATCH_EVENTS_MAX)

const keepSchema = z
  .array(z.tuple([id, z.int().min(0), bytes.nullable(), z.tuple([bytes, bytes]).nullable()]))
  .max(BATCH_EVENTS_MAX)
export type KeepMessage = z.output<typeof keepSchema>

export type StoreMessage = z.output<typeof storeSchema>
export type UpdateMessage = z.output<typeof updateSchema>

/** What a node says of an id that it is asked about. */
export const KNOWLEDGE = {
  UNKNOWN: 0,
  /** It owns it, and counts on the asking node's copy. */
  OWNED_WITH_YOU: 1,
  OWNED_WITHOUT_YOU: 2,
  /** It has a copy of another owner's, which it has heard from. */
  HELD_FOR_ANOTHER: 3,
  SETTLED: 4,
  HELD_FOR_YOU: 5
} as const

/** An account, a function. */
const shortText = z.string().max(256)
const questionSchema = z.union([
  z.tuple([z.literal('know'), z.array(id).max(ASK_IDS_MAX)]),
  z.tuple([z.literal('lacks'), z.enum(['letters', 'results']), z.array(id).max(ASK_IDS_MAX)]),
  z.tuple([z.literal('result'), id]),
  z.tuple([z.literal('dead'), z.int().min(1).max(DEAD_PAGE_MAX), id.nullable(), shortText.nullable(), shortText.nullable()]),
  z.tuple([z.literal('bury'), z.array(id).max(ASK_IDS_MAX)])
])
export type Question = z.output<typeof questionSchema>

const codesSchema = z.array(z.int().min(0).max(5)).max(ASK_IDS_MAX)
const deadSchema = z
  .array(z.tuple([id, z.union([bytes, z.null()]), bytes, z.int().min(0), z.union([bytes, z.null()])]))
  .max(DEAD_PAGE_MAX)
export type DeadMessage = z.output<typeof deadSchema>

export const encodeStore = (message: StoreMessage): Uint8Array => encode(message)
export const encodeUpdate = (message: UpdateMessage): Uint8Array => encode(message)
export const encodeKeep = (message: KeepMessage): Uint8Array => encode(message)
export const encodeCodes = (codes: readonly number[]): Uint8Array => encode(codes)
export const encodeDead = (letters: DeadMessage): Uint8Array => encode(letters)

export const decodeStore = (alleged: Uint8Array): StoreMessage => check(storeSchema, decode(alleged, 'events of a queue'))
export const decodeUpdate = (alleged: Uint8Array): UpdateMessage => check(updateSchema, decode(alleged, 'news of a queue'))
export const decodeKeep = (alleged: Uint8Array): KeepMessage => check(keepSchema, decode(alleged, 'ends of events'))
export const checkIds = (alleged: unknown): string[] => check(idsSchema, alleged)
export const checkQuestion = (alleged: unknown): Question => check(questionSchema, alleged)
export const decodeDead = (alleged: Uint8Array): DeadMessage => check(deadSchema, decode(alleged, 'dead letters'))

/** One code per id that was asked. */
export function decodeCodes(alleged: Uint8Array, count: number): number[] {
  const codes = check(codesSchema, decode(alleged, 'knowledge of events'))
  if (codes.length !== count) throw new PeerlessError('MALFORMED', `${codes.length} answers to ${count} ids`)
  return codes
}

/** @throws MALFORMED */
function check<Output>(schema: z.ZodType<Output>, alleged: unknown): Output {
  const parsed = schema.safeParse(alleged)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new PeerlessError('MALFORMED', `queue message: ${issue?.path.join('.').slice(0, 100)}: ${issue?.message.slice(0, 200)}`)
}
