import { WASM_IMPORTS } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { hostImports } from '../src/guest/wasm/env.guest.ts'
import { ProcessExit } from '../src/guest/wasm/errno.guest.ts'
import { makeTmp } from '../src/guest/wasm/files.guest.ts'
import { wasiImports } from '../src/guest/wasm/wasi.guest.ts'

const MEMORY_BYTES = 4_096
const EFAULT = 21

function program(sleep: (untilMs: number) => void = () => undefined) {
  const memory = { buffer: new ArrayBuffer(MEMORY_BYTES) }
  const { imports, attach, detach } = wasiImports({
    args: ['test'],
    environment: { A: 'b' },
    stdin: new Uint8Array(16),
    stdout: () => undefined,
    stderr: () => undefined,
    folders: { '/tmp': makeTmp() },
    sleep
  })
  attach(memory)
  return { memory, detach, calls: imports as Record<string, (...values: unknown[]) => number> }
}

const number = fc.oneof(
  fc.integer({ min: 0, max: 16 }),
  fc.integer({ min: MEMORY_BYTES - 64, max: MEMORY_BYTES + 64 }),
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
)

test('whatever a module passes to WASI, it gets an error number or its end', (t) => {
  const names = Object.keys(program().calls)
  t.deepEqual([...names].sort(), [...(WASM_IMPORTS.wasi_snapshot_preview1 ?? [])].sort(), 'all of preview1, as deployment has it')
  const values = fc.array(fc.oneof(number, number.map(BigInt), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), {
    minLength: 9,
    maxLength: 9
  })
  const bytes = fc.uint8Array({ minLength: 64, maxLength: 64 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...names), values), { minLength: 1, maxLength: 12 }),
      bytes,
      (steps, filling) => {
        const { calls, memory } = program()
        new Uint8Array(memory.buffer).set(filling)
        for (const [name, given] of steps) {
          try {
            const errno = calls[name]?.(...given)
            if (typeof errno !== 'number' || errno < 0 || errno > 76) return false
          } catch (error) {
            // V8 converts a module's own arguments to the types that its import declares; here some have the wrong one.
            if (!(error instanceof ProcessExit) && !(error instanceof TypeError)) throw error
          }
        }
        return memory.buffer.byteLength === MEMORY_BYTES
      }
    ),
    { seed: 3, numRuns: 2_000 }
  )
})

test('addresses outside the memory are EFAULT', (t) => {
  const { calls } = program()
  t.is(calls.fd_write?.(1, MEMORY_BYTES - 4, 1, 0), EFAULT)
  t.is(calls.fd_read?.(0, -8, 1, 0), EFAULT)
  t.is(calls.random_get?.(MEMORY_BYTES - 1, 2), EFAULT)
  t.is(calls.args_get?.(0, MEMORY_BYTES - 1), EFAULT)
  t.is(calls.clock_time_get?.(0, 0n, MEMORY_BYTES - 7), EFAULT)
  t.is(calls.path_open?.(3, 0, MEMORY_BYTES, 1, 1, 0n, 0n, 0, 0), EFAULT)
})

test('a sleep lasts as long as it was told to: who stops it at the deadline need not be punctual', (t) => {
  const until: number[] = []
  const { calls, memory } = program((untilMs) => until.push(untilMs))
  const view = new DataView(memory.buffer)
  const monotonic = 1
  view.setUint32(16, monotonic, true)
  view.setBigUint64(24, 800_000_000_000n, true)
  const beforeMs = Date.now()
  t.is(calls.poll_oneoff?.(0, 64, 1, 128), 0)
  t.is(until.length, 1)
  t.true((until[0] ?? 0) >= beforeMs + 800_000)
})

test('a program that has ended has no memory', (t) => {
  const { calls, detach } = program()
  t.is(calls.random_get?.(0, 8), 0)
  detach()
  t.is(calls.random_get?.(0, 8), EFAULT)
})

test('a folder can be emptied while its entries are read, a few at a time', (t) => {
  const { calls, memory } = program()
  const view = new DataView(memory.buffer)
  const put = (at: number, text: string) => new Uint8Array(memory.buffer).set(Buffer.from(text), at)
  for (let index = 0; index < 20; index++) {
    put(0, `file-${index}`)
    t.is(calls.path_create_directory?.(3, 0, `file-${index}`.length), 0)
  }
  let cookie = 0n
  let removed = 0
  for (;;) {
    t.is(calls.fd_readdir?.(3, 100, 100, cookie, 8), 0)
    const used = view.getUint32(8, true)
    let at = 100
    // Whole entries only: the last may be cut.
    while (at + 24 <= 100 + used) {
      const length = view.getUint32(at + 16, true)
      if (at + 24 + length > 100 + used) break
      const name = Buffer.from(memory.buffer, at + 24, length).toString()
      cookie = view.getBigUint64(at, true)
      at += 24 + length
      if (name.startsWith('.')) continue
      put(0, name)
      t.is(calls.path_remove_directory?.(3, 0, name.length), 0, name)
      removed++
    }
    if (used < 100) break
  }
  t.is(removed, 20)
})

test('what a module may import by deployment is what an instance has', (t) => {
  const host = hostImports(() => t.fail() as never)
  for (const [space, functions] of Object.entries(host)) {
    t.deepEqual(Object.keys(functions).sort(), [...(WASM_IMPORTS[space] ?? [])].sort(), space)
  }
})

const CREATE = 1
const AS_FOLDER = 2
const READ = 1n << 1n
const WRITE = 1n << 6n
const ERRNO = { BADF: 8, INVAL: 28, ISDIR: 31, NOENT: 44, NOTDIR: 54, NOTSOCK: 57, NOTSUP: 58 }

/** Calls that take a path, with `/tmp` as the folder. */
function paths() {
  const { calls, memory } = program()
  const view = new DataView(memory.buffer)
  const put = (text: string) => {
    const bytes = Buffer.from(text)
    new Uint8Array(memory.buffer).set(bytes, 1_024)
    return [3, 1_024, bytes.length] as const
  }
  const open = (text: string, how: number, rights: bigint, flags = 0): { errno: number | undefined; fd: number } => {
    const [folder, at, length] = put(text)
    const errno = calls.path_open?.(folder, 0, at, length, how, rights, 0n, flags, 8)
    return { errno, fd: view.getUint32(8, true) }
  }
  const stat = (text: string) => {
    const [folder, at, length] = put(text)
    if (calls.path_filestat_get?.(folder, 0, at, length, 64) !== 0) throw new Error(`there is no ${text}`)
    const [accessed, modified, changed] = [104, 112, 120].map((offset) => view.getBigUint64(offset, true))
    return { accessed, modified, changed }
  }
  return { calls, view, put, open, stat }
}

test('files and folders have times, which writing changes and a program may set', (t) => {
  const { calls, view, put, open, stat } = paths()
  const beforeNs = BigInt(Date.now()) * 1_000_000n
  const { fd } = open('file', CREATE, READ | WRITE)
  t.true((stat('file').modified ?? 0n) >= beforeNs)
  t.is(calls.fd_filestat_set_times?.(fd, 5n, 7n, 1 + 4), 0)
  t.like(stat('file'), { accessed: 5n, modified: 7n })
  const [folder, at, length] = put('file')
  t.is(calls.path_filestat_set_times?.(folder, 0, at, length, 0n, 0n, 2), 0)
  t.true((stat('file').accessed ?? 0n) >= beforeNs)
  t.is(stat('file').modified, 7n)
  t.is(calls.fd_filestat_set_times?.(fd, 0n, 0n, 1 + 2), ERRNO.INVAL, 'a time and now')
  t.is(calls.fd_filestat_set_times?.(fd, 0n, 0n, 4 + 8), ERRNO.INVAL)
  view.setUint32(16, 1_024, true)
  view.setUint32(20, 4, true)
  t.is(calls.fd_write?.(fd, 16, 1, 24), 0)
  t.true((stat('file').modified ?? 0n) >= beforeNs)
  t.is(calls.path_create_directory?.(...put('folder')), 0)
  t.true((stat('folder').modified ?? 0n) >= beforeNs)
})

test('a folder is not opened to be written, nor a file as a folder', (t) => {
  const { calls, put, open } = paths()
  t.is(calls.path_create_directory?.(...put('folder/')), 0)
  t.is(open('folder', CREATE, READ | WRITE).errno, ERRNO.ISDIR)
  t.is(open('folder', AS_FOLDER, READ | WRITE).errno, ERRNO.ISDIR)
  t.is(open('folder/', AS_FOLDER, READ).errno, 0)
  t.is(open('file', CREATE, WRITE).errno, 0)
  t.is(open('file/', 0, READ).errno, ERRNO.NOTDIR)
  t.is(calls.path_unlink_file?.(...put('file/')), ERRNO.NOTDIR)
  t.is(open('new/', CREATE, WRITE).errno, ERRNO.ISDIR)
  t.is(open('new', CREATE | AS_FOLDER, READ).errno, ERRNO.INVAL)
  t.is(open('', 0, READ).errno, ERRNO.NOENT)
  t.is(open('file\0', 0, READ).errno, ERRNO.INVAL)
})

test('what a descriptor says of itself is how it was opened', (t) => {
  const { calls, view, open } = paths()
  const rights = (fd: number) => {
    t.is(calls.fd_fdstat_get?.(fd, 64), 0)
    return view.getBigUint64(72, true) & (READ | WRITE)
  }
  const appendAndSync = 1 + 16
  const { fd } = open('file', CREATE, WRITE, appendAndSync)
  t.is(rights(fd), WRITE)
  t.is(view.getUint16(66, true), appendAndSync)
  t.is(rights(open('file', 0, READ).fd), READ)
  t.is(rights(3), 0n, 'of a folder')
  t.is(calls.fd_fdstat_set_rights?.(fd, 0n, 0n), ERRNO.NOTSUP, 'not a success that changed nothing')
  const nonBlocking = 4
  for (const standard of [0, 1, 2]) t.is(calls.fd_fdstat_set_flags?.(standard, nonBlocking), 0)
  t.is(calls.sock_shutdown?.(fd, 0), ERRNO.NOTSOCK)
  t.is(calls.sock_shutdown?.(77, 0), ERRNO.BADF)
})
