import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findConfinement } from '../src/confinement.ts'
import { makeFilterFile } from '../src/filter-file.ts'
import { FILTER_WORDS, withFilter } from '../src/jail.ts'
import { REFUSED, syscallFilter } from '../src/syscall-filter.ts'
import { start } from './_instances.ts'
import { isActive, withDescendants } from './_machine.ts'
import { pidOfExecutors } from './_processes.ts'

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 }
const ALLOWED = 'allowed'
type Arch = keyof typeof AUDIT

/** What the kernel would answer: the few instructions that the filter is made of, run over `struct seccomp_data`. */
function verdict(program: Uint8Array, number: number, audit: number, argument = 0): string {
  const code = Buffer.from(program)
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(audit, 4)
  data.writeUInt32LE(argument, 16)
  let word = 0
  for (let at = 0; at < code.length; at += 8) {
    const value = code.readUInt32LE(at + 4)
    const jump = (holds: boolean) => {
      at += 8 * code.readUInt8(at + (holds ? 2 : 3))
    }
    switch (code.readUInt16LE(at)) {
      case 0x20:
        word = data.readUInt32LE(value)
        break
      case 0x15:
        jump(word === value)
        break
      case 0x25:
        jump(word > value)
        break
      case 0x45:
        jump((word & value) !== 0)
        break
      case 0x06:
        return value === 0x7fff0000 ? ALLOWED : value === 0x80000000 ? 'killed' : `error ${value & 0xffff}`
      default:
        throw new Error(`instruction ${code.readUInt16LE(at)} at ${at}`)
    }
  }
  throw new Error('the program has no end')
}

for (const [arch, column, clone, usual] of [
  // read, write, mmap, futex, epoll_pwait, exit_group, execve (bwrap starts Node under the filter)
  ['x64', 1, 56, [0, 1, 9, 202, 281, 231, 59]],
  ['arm64', 2, 220, [63, 64, 222, 98, 22, 94, 221]]
] as const) {
  test(`on ${arch} what is listed is refused, and what Node lives by is not`, (t) => {
    const program = syscallFilter(arch) as Uint8Array
    const of = (number: number, argument = 0) => verdict(program, number, AUDIT[arch as Arch], argument)
    const listed = new Set(REFUSED.flatMap((call) => call[column] ?? []))
    for (const number of listed) t.is(of(number), 'error 1', `${number}`)
    for (const number of usual) t.is(of(number), ALLOWED, `${number}`)
    for (let number = 0; number <= 462; number++) {
      if (number !== clone && number !== 435 && !listed.has(number)) t.is(of(number), ALLOWED, `${number}`)
    }
    t.is(of(clone, 0x003d0f00), ALLOWED, 'a thread')
    t.is(of(clone, 17), 'error 1', 'a process')
    t.is(of(clone, 0x10000000), 'error 1', 'a user namespace')
    for (const number of [435, 463, 1_000, 0x40000000, 0x40000029, 0xffffffff]) t.is(of(number), 'error 38', `${number}`)
    t.is(verdict(program, 1, 0x40000003), 'killed', 'as a 32-bit program')
    const other = arch === 'x64' ? AUDIT.arm64 : AUDIT.x64
    t.is(verdict(program, 1, other), 'killed')
  })
}

test('each call is listed once, and an unknown kind of machine has no filter', (t) => {
  for (const column of [0, 1, 2] as const) {
    const values = REFUSED.flatMap((call) => call[column] ?? [])
    t.is(new Set(values).size, values.length)
  }
  t.is(syscallFilter('riscv64'), undefined)
  t.is(makeFilterFile('riscv64'), 'no list of system calls for riscv64')
})

test('where the folder for what is temporary cannot be written to, the filter is kept in another, and leaves nothing in it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'filters-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const made = makeFilterFile('x64', ['/proc', '/nowhere', folder])
  if (typeof made === 'string') return t.fail(made)
  for (let time = 0; time < 2; time++) {
    const descriptor = made.open()
    t.deepEqual(Uint8Array.from(readFileSync(descriptor)), Uint8Array.from(syscallFilter('x64') as Uint8Array))
    closeSync(descriptor)
  }
  t.deepEqual(readdirSync(folder), [])
  t.regex(makeFilterFile('x64', ['/nowhere']) as string, /^the filter cannot be kept: ENOENT/)
})

test('the numbers are those of the kernel', (t) => {
  const headers = [
    [1, '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'],
    [2, '/usr/include/asm-generic/unistd.h']
  ] as const
  let compared = 0
  for (const [column, path] of headers) {
    if (!existsSync(path)) continue
    const numbers = new Map(
      [...readFileSync(path, 'utf8').matchAll(/#define __NR(?:3264)?_(\w+)\s+(\d+)/g)].map(([, name, number]) => [
        name,
        Number(number)
      ])
    )
    for (const call of REFUSED) {
      if (call[column] === undefined) t.false(numbers.has(call[0]), call[0])
      // A call may be younger than the headers.
      else t.is(call[column], numbers.get(call[0]) ?? call[column], call[0])
    }
    compared++
  }
  t.log(`${compared} of ${headers.length} tables are here (linux-libc-dev)`)
  t.pass()
})

/** What a script that is run as an executor is, but without the permission model, says. */
function heldTo(words: { command: string; prefix: string[] }, script: string, filter: Parameters<typeof withFilter>[0]) {
  return new Promise<string>((resolve) => {
    const child = withFilter(filter, ['ignore', 'pipe', 'pipe', 'ignore'], (stdio) =>
      spawn(words.command, [...words.prefix, '-e', script], { env: {}, cwd: '/', stdio })
    )
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (said += text))
    child.on('close', (code) => resolve(said.trim() || `ended with ${code}`))
  })
}

const ATTEMPTS: readonly [what: string, script: string][] = [
  [
    'a socket',
    "require('net').createServer().on('error', (e) => console.log(e.code)).listen(0, () => process.exit(console.log('done')))"
  ],
  [
    'a datagram socket',
    "require('dgram').createSocket('udp4').on('error', (e) => console.log(e.code)).bind(0, () => process.exit(console.log('done')))"
  ],
  [
    'a process',
    "const r = require('child_process').spawnSync(process.execPath, ['-e', '1'], { env: {} }); console.log(r.error ? r.error.code : 'done')"
  ]
]

test('under the filter Node makes no socket and no process, and threads all the same', async (t) => {
  const found = await findConfinement(process.execPath, process.execPath, [])
  if (found.filter === undefined) {
    t.log(found.layers.find(({ layer }) => layer === 'seccomp')?.detail)
    t.pass()
    return
  }
  const at = found.prefix.indexOf(FILTER_WORDS[0] as string)
  const open = { command: found.command, prefix: found.prefix.toSpliced(at, FILTER_WORDS.length) }
  for (const [what, script] of ATTEMPTS) {
    t.is(await heldTo(found, script, found.filter), 'EPERM', what)
    t.is(await heldTo(open, script, undefined), 'done', `${what}, without it`)
  }
  const thread = "new (require('worker_threads').Worker)('console.log(crypto.randomUUID().length)', { eval: true })"
  t.is(await heldTo(found, thread, found.filter), '36')
})

test('nothing can be made in the root of an executor', async (t) => {
  const found = await findConfinement(process.execPath, process.execPath, [])
  if (!found.layers.some(({ layer, active }) => layer === 'file system' && active)) return t.pass()
  for (const attempt of ["mkdirSync('/x')", "writeFileSync('/x', '')", "mkdirSync('/lib/x')", "chmodSync('/', 0)"]) {
    const script = `try { require('fs').${attempt}; console.log('done') } catch ({ code }) { console.log(code) }`
    t.is(await heldTo(found, script, found.filter), 'EROFS', attempt)
  }
})

test.serial('executors run under it', async (t: ExecutionContext) => {
  const { define, instances } = await start(t)
  if (!isActive(t, instances, 'seccomp')) return
  t.is((await define('exports.handler = async () => 1').result({})).json, 1)
  for (const outer of pidOfExecutors()) {
    const pid = withDescendants(outer).at(-1) as number
    t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Seccomp:\t2$/m)
  }
})
