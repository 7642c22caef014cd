import { MemoryLogger } from '@peerless/testing'
import test from 'ava'
import { ExecutorProcess } from '../src/executor-process.ts'
import { childrenOf } from '../src/memory-watch.ts'

/** As `bwrap` is while it sets things up: a child that does not end with it, and has all that was given to it open. */
const WRAPPER = {
  command: '/bin/sh',
  prefix: ['-c', 'sleep 600 & wait'],
  identity: undefined,
  filter: undefined,
  wrapped: true,
  layers: []
}

test('what a wrapper has started ends with it, also when it is killed before it has said anything', async (t) => {
  const nothing = () => undefined
  const executor = new ExecutorProcess({
    number: 1,
    code: {
      executorScript: '',
      guestScript: '',
      libraryScript: '',
      guestChunks: {},
      guestCache: new Uint8Array(0),
      libraryCache: new Uint8Array(0),
      addonPath: '',
      isolatedVmVersion: ''
    },
    confinement: WRAPPER,
    events: { onLog: nothing, egressOriginOf: nothing, onCatastrophe: nothing, onExit: nothing },
    logger: new MemoryLogger(),
    egress: undefined,
    group: undefined,
    compiles: true
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  let inner: number | undefined
  for (; inner === undefined; await turn()) [inner] = childrenOf(executor.pid as number)
  const child = inner
  t.teardown(() => isThere(child) && process.kill(child, 'SIGKILL'))
  executor.kill()
  await executor.ended()
  for (const end = performance.now() + 10_000; isThere(child) && performance.now() < end; ) await turn()
  t.false(isThere(child))
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
