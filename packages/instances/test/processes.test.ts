import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import { start } from './_instances.ts'
import { pidOfExecutors } from './_processes.ts'

test.serial('a process that is killed ends its calls as exits, and the next call gets a new one', async (t) => {
  const { define, instances, logger } = await start(t, { executorsPerAccountMax: 1 })
  const fn = define(
    'exports.handler = async (e) => { console.log("begun"); return await new Promise((r) => setTimeout(r, e.wait, "done")) }',
    {
      timeoutSeconds: 10
    }
  )
  await fn.result({ wait: 1 })
  const victim = fn.result({ wait: 8_000 })
  const pids = pidOfExecutors()
  t.true(pids.length >= 1)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  const { ran, json } = await victim
  t.is(ran.status, 'exit')
  t.is((json as { errorType: string }).errorType, 'Runtime.ExitError')
  const ended = () => logger.lines.filter(({ message }) => message === 'an executor ended by itself').length
  while (ended() < pids.length) await new Promise((resolve) => setImmediate(resolve))
  t.is((await fn.result({ wait: 1 })).json, 'done')
  t.is(instances.busy, 0)
})

test.serial('where the machine has chrt, an executor that wakes up pushes nobody aside', async (t) => {
  const { define } = await start(t, { executorsPerAccountMax: 1 })
  await define('exports.handler = async () => 1').result({})
  // Field 41 of proc_pid_stat(5), counted behind the name; 3 is SCHED_BATCH.
  const policies = pidOfExecutors().map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[38])
  t.true(policies.length > 0)
  t.deepEqual(new Set(policies), new Set([existsSync('/usr/bin/chrt') ? '3' : '0']))
})
