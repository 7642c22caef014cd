import { readdir, readFile } from 'node:fs/promises'
import { CreateFunctionCommand, type Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { eventually, up } from '../_daemon.ts'
import { HELLO, invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'
import { aliveOf, descendantsOf } from '../_processes.ts'

/** How often threads of a process woke up so far. */
async function wakeUpsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const statuses = await Promise.all(threads.map((one) => readFile(`/proc/${pid}/task/${one}/status`, 'utf8').catch(() => '')))
  return statuses.reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0), 0)
}

if (process.platform === 'linux') {
  test('executors end with a daemon that was killed', async (t) => {
    const daemon = await up(t)
    const client = await lambdaOf(daemon)
    await client.send(
      new CreateFunctionCommand({
        FunctionName: 'hello',
        Role: ROLE,
        Runtime: 'nodejs22.x' as Runtime,
        Handler: 'index.handler',
        Code: { ZipFile: zipOf(HELLO) }
      })
    )
    // Often enough to be entered on the executor's own thread, under its watchdog.
    for (let call = 0; call < 10; call++) t.deepEqual((await invoke(client, 'hello', { name: 'Ada' })).result, { hello: 'Ada' })
    const executors = await descendantsOf(await daemon.pid())
    t.true(executors.length > 0)
    // Its watchdog goes to sleep when nothing comes for a while: then none of its threads wakes by itself any more.
    let before = -1
    const resting = async () => {
      const last = before
      before = (await Promise.all(executors.map(wakeUpsOf))).reduce((sum, count) => sum + count, 0)
      return before === last
    }
    await eventually(resting, (rests) => rests)
    await daemon.stop('SIGKILL')
    t.deepEqual(
      await eventually(
        () => aliveOf(executors),
        (alive) => alive.length === 0,
        5_000
      ),
      []
    )
  })
}
