import { z } from 'zod'
import type { NodeOptions } from './options.ts'

/** To a further front: first how to start, later whether it takes work, that it is to give away what it has or to keep it after all, and that it is to end. Its first front is its parent and runs the same code, so what it says is taken as it is. */
export type ToFront =
  | { readonly start: NodeOptions }
  | { readonly draining: boolean }
  | { readonly giveAway: boolean }
  | { readonly stop: true }

/** From a further front: once, when it serves or could not; and how much it could not give away, or why it did not. */
export const fromFrontRule = z.union([
  z.strictObject({ ready: z.strictObject({ peerId: z.string().max(128) }) }),
  z.strictObject({ failed: z.string().max(10_000) }),
  // What only it has, after it was told to give all away.
  z.strictObject({ left: z.strictObject({ events: z.number().int().min(0), ends: z.number().int().min(0) }) })
])
export type FromFront = z.infer<typeof fromFrontRule>
