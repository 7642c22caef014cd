import { MESSAGE, type Reply } from '@peerless/interface'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { CatchUp } from '../src/catch-up.ts'
import { LEDGER_LIMITS } from '../src/limits.ts'
import { newPeerWork } from '../src/peer-work.ts'

/** Rounds with a peer that has all the same but for the digest, where both have pruned. @returns whether its list was read anew */
async function comparesAnew(mine: { last: number; shown: number }, theirs: { last: number; shown: number }): Promise<boolean> {
  let position = theirs.last
  const catchUp = new CatchUp({
    host: {
      call: async (command: { op: string; position: number }) => {
        if (command.op === 'cursor') return position
        if (command.op === 'heads') return { ...mine, digest: new Uint8Array(32).fill(1), heads: [], pruned: 5, itemisedFrom: 5 }
        if (command.op === 'moveCursor') position = command.position
        return undefined
      }
    } as never,
    clock: new VirtualClock(),
    logger: new MemoryLogger(),
    boot: new Uint8Array(16),
    byMembers: () => true,
    storeSoon: () => undefined,
    call: async (_peer, type) => {
      if (type !== MESSAGE.LEDGER_HEADS) throw new Error(`message ${type}`)
      const header = [new Uint8Array(16), 'theirs', theirs.last, new Uint8Array(32).fill(2), 5, 5, theirs.shown]
      return { header, payload: new Uint8Array(0) } as unknown as Reply
    }
  })
  const work = newPeerWork()
  for (let round = 0; round < LEDGER_LIMITS.differentRoundsMax + 2 && position !== 0; round++) await catchUp.round('peer', work)
  return position === 0
}

test('who has fewer statements compares all anew, however many its store has had', async (t) => {
  t.true(await comparesAnew({ last: 1_000, shown: 10 }, { last: 12, shown: 12 }))
  t.false(await comparesAnew({ last: 12, shown: 12 }, { last: 1_000, shown: 10 }))
})
