import { attack } from '../_attack.ts'

/** Traps on Object.prototype and setters on Array.prototype, to be handed the memory constructor behind the guard or what the guard counts. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  let Memory = WebAssembly.Memory
  Object.prototype.get = (target, name, receiver) => {
    Memory = target
    return Reflect.get(target, name, receiver)
  }
  void WebAssembly.Memory.length
  delete Object.prototype.get
  for (let index = 0; index < 100; index++) {
    Object.defineProperty(Array.prototype, index, { configurable: true, set(value) { if (value?.bytes) value.bytes = 0 } })
  }
  const make = () => new Memory({ initial: 160 })
  for (let count = 0; count < 100; count++) {
    const memory = make()
    new Uint8Array(memory.buffer).fill(1)
    Object.defineProperty(kept, count, { value: memory })
  }
  return 'a gigabyte'
}
`,
  expected: { errors: ['RangeError'] }
})
