import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Daemon, dataFolder, up } from '../_daemon.ts'

test('a node whose log is on a full disk serves all the same, and ends when it is told to', async (t) => {
  if (!existsSync('/dev/full')) {
    t.pass('this system has no disk that is always full')
    return
  }
  const stderr = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(stderr))
  await servesAndEnds(t, await up(t, { stderr, env: { PEERLESS_LOG: 'debug' } }))
})

test('a node whose log is read no more serves all the same, and ends when it is told to', async (t) => {
  const path = join(await dataFolder(t), 'log')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  t.throws(() => fill(reader), { code: 'EAGAIN' })
  const stderr = openSync(path, 'w')
  t.teardown(() => [reader, stderr].forEach(closeSync))
  await servesAndEnds(t, await up(t, { stderr, env: { PEERLESS_LOG: 'debug' } }))
})

async function servesAndEnds(t: ExecutionContext, node: Daemon): Promise<void> {
  // Before the teardown's patience: a node that does not end by a signal holds the test's files.
  t.teardown(() => void node.child.kill('SIGKILL'))
  // It has more than one line to say of that.
  const deployed = await node.cli('deploy', join(import.meta.dirname, '..', '..', 'examples', 'hello'))
  t.is(deployed.code, 0, deployed.stderr)
  t.is(await node.stop(), 0)
}

function fill(descriptor: number): never {
  const bytes = Buffer.alloc(4_096)
  for (;;) writeSync(descriptor, bytes)
}
