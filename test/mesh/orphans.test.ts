import { readdir, readFile } from 'node:fs/promises'
import { CreateFunctionCommand, type Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { eventually, up } from '../_daemon.ts'
import { HELLO, invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'

/** Processes below `pid`: an executor, and what may be around it. */
async function descendantsOf(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(pids.map(async (one) => [Number(one), (await statOf(one))?.[1]] as const))
  const below = (parent: number): number[] =>
    parents.flatMap(([one, its]) => (Number(its) === parent ? [one, ...below(one)] : []))
  return below(pid)
}

/** Fields of /proc/PID/stat from the state on; undefined when it is gone. */
async function statOf(pid: number | string): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

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
    const alive = async () =>
      (await Promise.all(executors.map(statOf))).filter((stat) => stat !== undefined && stat[0] !== 'Z').length
    t.is(await eventually(alive, (count) => count === 0, 5_000), 0)
  })
}
