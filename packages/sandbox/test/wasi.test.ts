import test from 'ava'
import fc from 'fast-check'
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
  t.is(names.length, 46, 'all of preview1')
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
