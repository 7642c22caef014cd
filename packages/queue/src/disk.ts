import type { EndKind } from './ends.ts'
import type { DeadRow, DeadWhich, EndRows, StoredRow, StoreOp } from './store.ts'

/** Questions to the store, by name. */
export interface DiskQuestions {
  load: { in: []; out: StoredRow[] }
  payload: { in: [id: string]; out: Uint8Array | undefined }
  result: { in: [id: string]; out: Uint8Array | undefined }
  settled: { in: [ids: readonly string[]]; out: string[] }
  endIds: { in: [kind: EndKind, after: string, limit: number]; out: string[] }
  ends: { in: [ids: readonly string[], bytesMax: number]; out: EndRows }
  lacked: { in: [kind: EndKind, ids: readonly string[]]; out: string[] }
  dead: { in: [limit: number, which: DeadWhich]; out: DeadRow[] }
  deadCount: { in: []; out: number }
  prune: { in: [now: number]; out: number }
}
export type DiskQuestion = keyof DiskQuestions

/** The disk behind a queue: group commits and reads, in the order in which they were given. */
export interface Disk {
  /** `done` is called when all of them are on disk, or with what the disk said. */
  commit(ops: readonly StoreOp[], done: (error: Error | undefined) => void): void
  ask<Question extends DiskQuestion>(
    question: Question,
    ...values: DiskQuestions[Question]['in']
  ): Promise<DiskQuestions[Question]['out']>
  close(): Promise<void>
}
