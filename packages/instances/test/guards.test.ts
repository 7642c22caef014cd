import test from 'ava'
import { share } from './_instances.ts'

/** A module with one memory, written by hand: magic, version, memory section, export section. */
const MODULE = `const moduleOf = (flags, ...limits) => new Uint8Array([0,97,115,109,1,0,0,0, 5,2+limits.length,1,flags,...limits, 7,5,1,1,109,2,0])
const tried = (run) => { try { return run() } catch (e) { return e.name + ': ' + e.message } }
`

const inside = test.macro(async (t, body: string, expected: unknown) => {
  const { define } = await share()
  const fn = define(`${MODULE} exports.handler = async () => { ${body} }`, { memoryMb: 128, timeoutSeconds: 5 })
  const { ran, json } = await fn.result({})
  t.is(ran.status, 'ok', JSON.stringify(json))
  t.deepEqual(json, expected)
})

test.serial(
  'a module without a maximum gets one, and does not grow beyond it',
  inside,
  `const { instance } = await WebAssembly.instantiate(moduleOf(0, 1)); const m = instance.exports.m
   return [tried(() => m.grow(1500)), tried(() => m.grow(1000)).slice(0, 10), m.buffer.byteLength / 65536, m instanceof WebAssembly.Memory]`,
  [1, 'RangeError', 1501, true]
)
test.serial(
  'a declared maximum is kept, and one that is too large is cut',
  inside,
  `const small = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(1, 1, 3))).exports.m
   const large = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(1, 1, 0x80, 0x80, 4))).exports.m
   return [small.grow(2), tried(() => small.grow(1)).slice(0, 10), tried(() => large.grow(2000)).slice(0, 10), large.grow(10)]`,
  [1, 'RangeError', 'RangeError', 1]
)
test.serial(
  'modules that were compiled before one took its share, and several instances of one, get shares of what is left',
  inside,
  `const first = new WebAssembly.Module(moduleOf(0, 1)), second = new WebAssembly.Module(moduleOf(0, 1))
   const kept = [first, second, second, first].map((module) => new WebAssembly.Instance(module).exports.m)
   const pages = kept.map((m) => { let grown = 1; for (let by = 1024; by >= 1; by /= 2) while (typeof tried(() => m.grow(by)) === 'number') grown += by; return grown })
   return [pages.every((one) => one > 1), pages[0] > 4 * pages[3], pages.reduce((a, b) => a + b) * 65536 < 128 * 1024 * 1024]`,
  [true, true, true]
)
test.serial(
  'all memories together stay within the limit',
  inside,
  `const kept = []; let message = ''
   for (let i = 0; i < 100; i++) { const made = tried(() => new WebAssembly.Memory({ initial: 256 })); if (typeof made === 'string') { message = made; break } kept.push(made) }
   return [kept.length < 9, /RangeError: WebAssembly memory of at most 16777216 bytes does not fit/.test(message)]`,
  [true, true]
)
test.serial(
  'shared memories, shared buffers and threads that wait are not there',
  inside,
  `return [tried(() => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })), tried(() => new WebAssembly.Module(moduleOf(3, 1, 1))),
     typeof SharedArrayBuffer, typeof Atomics.wait, typeof Atomics.waitAsync, typeof Atomics.add, typeof WebAssembly.promising]`,
  [
    'TypeError: WebAssembly.Memory(): shared memories are not available',
    'CompileError: WebAssembly.Module(): shared memories are not available',
    'undefined',
    'undefined',
    'undefined',
    'function',
    'undefined'
  ]
)
test.serial(
  'resizable buffers grow within the limit only',
  inside,
  `const good = new ArrayBuffer(10, { maxByteLength: 1e6 }); good.resize(1e6); const moved = good.transfer(100)
   return [tried(() => new ArrayBuffer(1, { maxByteLength: 2 ** 30 })).slice(0, 40), moved.byteLength, moved.resizable, moved.maxByteLength, good.detached,
     new ArrayBuffer(5) instanceof ArrayBuffer, new Uint8Array(new ArrayBuffer(5)).length, ArrayBuffer.isView(new Uint8Array(1)), new ArrayBuffer(5).constructor === ArrayBuffer]`,
  ['RangeError: a resizable buffer of at mos', 100, true, 1_000_000, true, true, 5, true, true]
)
test.serial(
  'what guest code changes while a module is read is not what is compiled',
  inside,
  `let asked = 0
   const sly = { get initial() { asked++; return 1 }, get maximum() { asked++; return asked > 5 ? 60000 : 2 } }
   const memory = new WebAssembly.Memory(sly)
   class Sub extends WebAssembly.Memory {}
   const sub = new Sub({ initial: 1, maximum: 1 })
   const { constructor } = Object.getPrototypeOf(memory)
   return [asked, memory.grow(1), tried(() => memory.grow(1)).slice(0, 10), sub instanceof Sub, sub.buffer.byteLength,
     tried(() => new constructor({ initial: 60000 })).slice(0, 10), tried(() => new WebAssembly.Instance({})), await WebAssembly.instantiate(7).catch((e) => e.name)]`,
  [
    2,
    1,
    'RangeError',
    true,
    65_536,
    'RangeError',
    'TypeError: WebAssembly.Instance(): Argument 0 must be a WebAssembly.Module',
    'TypeError'
  ]
)
test.serial(
  'clocks inside have steps of a millisecond',
  inside,
  `const marks = []; for (let i = 0; i < 2000; i++) marks.push(performance.now(), Date.now(), Number(Temporal.Now.instant().epochNanoseconds % 1000000n), Temporal.Now.zonedDateTimeISO('UTC').microsecond, Number(process.hrtime.bigint() % 1000000n))
   return marks.filter((ms, i) => i % 5 > 1 ? ms !== 0 : !Number.isInteger(ms)).length`,
  0
)
test.serial(
  'so have times that others tell',
  inside,
  `const fs = require('node:fs'), marks = []
   fs.writeFileSync('/tmp/x', '')
   // To a tenth of a microsecond, as doubles have it.
   const whole = (ms) => Math.abs(ms - Math.round(ms)) < 1e-4
   for (let i = 0; i < 500; i++) {
     const { duration, startTime } = performance.measure('measure', performance.mark('mark').name)
     const { user, system } = process.cpuUsage()
     const stat = fs.statSync('/tmp/x', { bigint: true })
     marks.push(new Event('x').timeStamp, startTime, duration, performance.mark('m').startTime, performance.timeOrigin, process.uptime() * 1000, user / 1000,
       system / 1000, process.hrtime()[1] / 1e6, new File([], 'x').lastModified, Number(stat.mtimeNs % 1000000n) / 1e6, Number(stat.birthtimeNs % 1000000n) / 1e6)
   }
   return marks.filter((ms) => !whole(ms)).length`,
  0
)
test.serial(
  'Error.prepareStackTrace works for guest code, and nobody else runs it',
  inside,
  `let runs = 0
   Error.prepareStackTrace = (error, sites) => { runs++; return sites }
   const sites = new Error('x').stack
   const plain = [Array.isArray(sites), typeof sites[0].getLineNumber(), typeof sites[0].getFileName()]
   Error.prepareStackTrace = undefined
   return [...plain, runs, typeof new Error('y').stack, tried(() => Object.defineProperty(Error, 'prepareStackTrace', { value: 1 })).slice(0, 9)]`,
  [true, 'number', 'string', 1, 'string', 'TypeError']
)
test.serial(
  'nothing that guest code puts on prototypes is handed what the guards hold',
  inside,
  `const taken = [], define = Object.defineProperty, { prototype } = Object
   const traps = ['get', 'set', 'has', 'apply', 'ownKeys', 'defineProperty', 'deleteProperty', 'getOwnPropertyDescriptor', 'getPrototypeOf', 'setPrototypeOf', 'isExtensible', 'preventExtensions']
   for (const guarded of [WebAssembly.Module, WebAssembly.Instance, WebAssembly.Memory, ArrayBuffer]) {
     for (const trap of traps) {
       prototype[trap] = (target, ...rest) => { taken[taken.length] = trap; delete prototype[trap]; return Reflect[trap](target, ...rest) }
       tried(() => { guarded.name; guarded.extra = 1; 'extra' in guarded; delete guarded.extra; Object.getPrototypeOf(guarded); Object.isExtensible(guarded); Object.keys(guarded); define(guarded, 'extra', Object.assign(Object.create(null), { configurable: true, value: 1 })) })
       delete prototype[trap]
     }
   }
   let held = 0
   for (let index = 0; index < 50; index++) define(Array.prototype, index, { configurable: true, set(value) {
     if (new Error().stack.includes('moduleOf')) return
     held++
     define(this, index, { value: 0, writable: true, enumerable: true, configurable: true }) } })
   prototype.shared = true
   let memory, bytes
   try { memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: false }); bytes = tried(() => new WebAssembly.Instance(new WebAssembly.Module(moduleOf(0, 1))).exports.m.grow(1)) }
   finally { delete prototype.shared; for (let index = 0; index < 50; index++) delete Array.prototype[index] }
   return [taken, held, bytes, memory.buffer instanceof ArrayBuffer]`,
  [[], 0, 1, true]
)

test.serial('memories of earlier calls are given back', async (t) => {
  const { define } = await share()
  const fn = define(
    `${MODULE} const compiled = new WebAssembly.Module(moduleOf(0, 1)); exports.handler = async () => new WebAssembly.Instance(compiled).exports.m.grow(1)`
  )
  for (let call = 0; call < 12; call++) t.is((await fn.result({})).json, 1)
})

test.serial('so are memories that functions see which V8 was to optimise when their call ended', async (t) => {
  const { define } = await share()
  const fn = define(`exports.handler = async () => {
    const view = new Uint8Array(new WebAssembly.Memory({ initial: 1200, maximum: 1500 }).buffer)
    let sum = 0
    for (let index = 0; index < 100; index++) {
      const run = new Function('view', 'return (i) => { let sum = 0; ' + 'sum += view[i & 7] * 3;'.repeat(50) + 'return sum + ' + index + '}')(view)
      for (let count = 0; count < 1000; count++) sum += run(count)
    }
    return sum
  }`)
  for (let call = 0; call < 8; call++) t.is((await fn.result({})).json, 4_950_000)
})
