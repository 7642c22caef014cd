import test from 'ava'
import fc from 'fast-check'
import { limitMemories } from '../src/guest/wasm-limits.guest.ts'

const HEADER = [0, 97, 115, 109, 1, 0, 0, 0]
/** TypeScript declares it for browsers only. */
interface Memory {
  buffer: ArrayBuffer
  grow(pages: number): number
}
const { Module, Instance } = (
  globalThis as never as {
    WebAssembly: { Module: new (bytes: Uint8Array) => object; Instance: new (module: object) => { exports: { m: Memory } } }
  }
).WebAssembly

const cut = (max: number) => (initial: number, maximum: number | undefined) => Math.max(initial, Math.min(maximum ?? max, max))

test('whatever limits a module declares, V8 reads the maximum that was written', (t) => {
  const leb = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...leb(Math.floor(value / 128))])
  fc.assert(
    fc.property(fc.nat(100), fc.option(fc.nat(65_436), { nil: undefined }), fc.nat(1_000), (initial, more, max) => {
      const limits = more === undefined ? [0, ...leb(initial)] : [1, ...leb(initial), ...leb(initial + more)]
      const custom = [0, 3, 1, 120, 9]
      const bytes = Uint8Array.from([...HEADER, ...custom, 5, limits.length + 1, 1, ...limits, 7, 5, 1, 1, 109, 2, 0])
      const limited = limitMemories(bytes, cut(max))
      if (limited === undefined || 'refused' in limited) return false
      const memory = new Instance(new Module(limited.bytes)).exports.m
      const pages = limited.pagesMax[0] as number
      if (pages > Math.max(initial, max) || memory.buffer.byteLength !== initial * 65_536) return false
      memory.grow(pages - initial)
      try {
        memory.grow(1)
        return false
      } catch {
        // As it must be: the maximum is reached.
        return true
      }
    }),
    { seed: 20_261_125, numRuns: 100 }
  )
  t.pass()
})

test('bytes that are no module never make it loop or throw', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
      const read = limitMemories(Uint8Array.from([...HEADER, ...tail]), cut(10))
      if (read === undefined || 'refused' in read) return
      const { pagesMax } = read
      for (let index = 0; index < pagesMax.length; index++) t.true((pagesMax[index] as number) >= 0)
    }),
    { seed: 20_261_125, numRuns: 2_000 }
  )
  t.pass()
})

test('a memory section that declares what isolates must not have is refused by name', (t) => {
  t.deepEqual(limitMemories(Uint8Array.from([...HEADER, 5, 4, 1, 3, 1, 1]), cut(10)), {
    refused: 'shared memories are not available'
  })
  t.deepEqual(limitMemories(Uint8Array.from([...HEADER, 5, 4, 1, 9, 1, 1]), cut(10)), {
    refused: 'a memory has limits of kind 9'
  })
  t.is(limitMemories(Uint8Array.from([...HEADER, 5, 200, 1]), cut(10)), undefined)
})
