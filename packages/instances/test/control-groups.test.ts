import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { MemoryLogger, realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { hierarchiesOf } from '../src/control-group-paths.ts'
import { ControlGroups } from '../src/control-groups.ts'
import { start } from './_instances.ts'
import { isActive, withDescendants } from './_machine.ts'
import { pidOfExecutors } from './_processes.ts'

const MB = 1_048_576
const logger = new MemoryLogger()
const random = { next: Math.random, bytes: randomBytes, uuid: randomUUID }
const TABLES =
  'exports.handler = async (e) => { const kept = []; while (e.grow) kept.push(new WebAssembly.Table({ initial: 10_000_000, element: "externref" })); return 1 }'

/** Groups of this test's own, or undefined where the machine has none to give. */
async function groupsOf(t: ExecutionContext): Promise<ControlGroups | undefined> {
  const opened = await ControlGroups.open({ clock: realClock, random, logger })
  if (opened instanceof ControlGroups) {
    t.teardown(() => opened.close())
    return opened
  }
  t.log(`skipped: ${opened.detail}`)
  t.pass()
  return undefined
}

/** The folder of the group with the memory controller that a process is in. */
function groupOf(pid: number | string): string {
  const all = hierarchiesOf(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
  const found = all.find(({ controllers }) => controllers.includes('memory')) ?? all.find(({ version }) => version === 2)
  if (found === undefined) throw new Error(`process ${pid} is in no group with memory`)
  return found.folder
}

function limitOf(folder: string): number {
  const file = ['memory.max', 'memory.limit_in_bytes'].map((name) => `${folder}/${name}`).find((path) => existsSync(path))
  return Number(readFileSync(file ?? '', 'utf8')) / MB
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test.serial('an executor is in a group of its own that may hold what its instances declare, and goes with it', async (t) => {
  const { define, instances } = await start(t)
  if (!isActive(t, instances, 'control groups')) return
  const fn = define('exports.handler = async () => 1', { memoryMb: 300 })
  await fn.result({})
  // The spare one starts beside the call, and is put into its group then.
  const grouped = () => new Set(pidOfExecutors().flatMap(withDescendants).map(groupOf))
  while (pidOfExecutors().length < 2 || grouped().has(groupOf('self'))) await turn()
  const groups = grouped()
  t.is(groups.size, pidOfExecutors().length, 'a group per executor')
  const limits = [...groups].map(limitOf)
  const spareMb = Math.min(...limits)
  t.true(limits.includes(spareMb + 300), `${limits}`)
  await instances.stop()
  t.deepEqual(
    [...groups].filter((folder) => existsSync(folder)),
    []
  )
})

test.serial('memory that grows faster than the daemon looks is bounded by the kernel, as an error of its function', async (t) => {
  // Nothing looks at memory, nor at deadlines.
  const clock = { ...realClock, every: () => ({ cancel: () => undefined }) }
  const bench = await start(t, { clock, executorsPerAccountMax: 1 })
  if (!isActive(t, bench.instances, 'control groups')) return
  const fn = bench.define(TABLES, { timeoutSeconds: 20 })
  const neighbour = bench.define('exports.handler = () => new Promise((r) => setTimeout(r, 100, "good"))')
  const [{ ran, json }, beside] = await Promise.all([fn.result({ grow: true }), neighbour.result({})])
  t.is(ran.status, 'exit')
  t.is((json as { errorType: string }).errorType, 'Runtime.OutOfMemory')
  t.is(beside.json, 'good')
  while (!bench.logger.lines.some(({ message }) => message === 'the kernel ended an executor for its memory')) await turn()
  t.true(bench.logger.lines.some(({ message, fields }) => /quarantine/.test(message) && fields?.reason === 'memory'))
  t.is((await fn.result({})).json, 1)
})

test.serial('a group takes in what a process has forked, bounds it, tells of its end, and leaves nothing', async (t) => {
  const groups = await groupsOf(t)
  if (groups === undefined) return
  const group = groups.create(64)
  // A child that waits in the background, and one that takes memory once it is told.
  const child = spawn('/bin/sh', ['-c', 'sleep 300 & read go; tail /dev/zero; echo ended'], { stdio: ['pipe', 'pipe', 'ignore'] })
  t.is(await group.enter(child.pid as number), undefined)
  const folder = groupOf(child.pid as number)
  t.is(limitOf(folder), 64)
  const inside = readFileSync(`${folder}/cgroup.procs`, 'utf8').trim().split('\n').map(Number)
  t.true(inside.includes(child.pid as number))
  t.false(group.outOfMemory)
  group.allow(32, 10)
  t.is(limitOf(folder), 64, 'less is free than the slack')
  group.allow(80)
  while (limitOf(folder) !== 80) await turn()
  group.allow(72, 4)
  while (limitOf(folder) !== 72) await turn()
  const ended = once(child, 'close')
  child.stdin.end('go\n')
  while (!group.outOfMemory) await turn()
  await group.remove()
  await ended
  t.false(existsSync(folder))
  t.deepEqual(
    inside.filter((pid) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))),
    []
  )
})

test.serial('what a node left that is gone is removed by the next; what belongs to one that lives stays', async (t) => {
  const groups = await groupsOf(t)
  if (groups === undefined) return
  const alive = groups.create(64)
  const child = spawn('/bin/sleep', ['300'])
  t.teardown(() => child.kill('SIGKILL'))
  t.is(await alive.enter(child.pid as number), undefined)
  const folder = groupOf(child.pid as number)
  const parent = folder.split('/').slice(0, -2).join('/')
  const orphan = `${parent}/peerless-${process.pid}-1-${randomUUID().slice(0, 8)}`
  mkdirSync(`${orphan}/executor-1`, { recursive: true })
  const left = spawn('/bin/sleep', ['300'])
  const ended = once(left, 'exit')
  writeFileSync(`${orphan}/executor-1/cgroup.procs`, String(left.pid))
  await groupsOf(t)
  t.false(existsSync(orphan))
  t.deepEqual(await ended, [null, 'SIGKILL'])
  t.true(readdirSync(parent).some((name) => folder.includes(name)))
  t.is(child.exitCode, null)
  await alive.remove()
})
