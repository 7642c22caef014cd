import type { InstanceStatus } from '@peerless/interface'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { FloorElsewhere } from '../src/floor-elsewhere.ts'

function elsewhere(counts: Record<string, number>, instances: Partial<InstanceStatus>[]) {
  const clock = new VirtualClock()
  const logger = new MemoryLogger()
  const floor = Object.entries(counts).map(([revisionId, count]) => ({ version: { revisionId } as never, count }))
  const waits = new FloorElsewhere({
    provisioning: { floor },
    invocation: { allInstances: async () => ({ instances: instances as InstanceStatus[] }) },
    clock,
    logger,
    isMate: (peerId) => peerId === 'self'
  })
  let held = false
  void waits.wait(5_000).then(() => {
    held = true
  })
  return { clock, logger, isHeld: () => held, instances }
}

const one = (node: string, state = 'idle') => ({ node, revisionId: 'r', state }) as Partial<InstanceStatus>

test('a node that leaves waits until what is to be warm is so at other machines, busy or idle', async (t) => {
  const { clock, logger, isHeld, instances } = elsewhere({ r: 2 }, [
    one('self'),
    one('self'),
    one('b', 'busy'),
    one('b', 'starting')
  ])
  await clock.advance(1_000)
  t.false(isHeld())
  instances.push(one('c'))
  await clock.advance(100)
  t.true(isHeld())
  t.is(logger.lines.length, 0)
})

test('it waits for nothing where nothing is to be warm, and not for ever where there is no room', async (t) => {
  const none = elsewhere({}, [])
  await none.clock.advance(0)
  t.true(none.isHeld())
  const full = elsewhere({ r: 2 }, [one('b')])
  await full.clock.advance(5_000)
  t.false(full.isHeld())
  await full.clock.advance(200)
  t.true(full.isHeld())
  t.is(full.logger.lines.length, 1)
})
