import { join } from 'node:path'
import test from 'ava'
import { up } from '../_daemon.ts'

test('a node that was started without a terminal, as by nohup, is not ended by one that hangs up', async (t) => {
  const node = await up(t)
  node.child.kill('SIGHUP')
  const deployed = await node.cli('deploy', join(import.meta.dirname, '..', '..', 'examples', 'hello'), '--name', 'hello')
  t.is(deployed.code, 0, deployed.stderr)
  const { code, stdout } = await node.cli('invoke', 'hello', '--data', '{}')
  t.is(code, 0, stdout)
  t.is(await node.stop(), 0)
})
