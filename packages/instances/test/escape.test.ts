import test from 'ava'
import { start } from './_instances.ts'

/** Every function that guest code can reach must have been made in its own realm, and none may give it the host's. */
test.serial('a walk over everything reachable finds nothing of the host', async (t) => {
  const { define } = await start(t)
  const fn = define(`exports.handler = async (event, context) => {
    const found = []
    const seen = new Set()
    const own = Function
    const queue = [[globalThis, 'globalThis'], [context, 'context'], [event, 'event']]
    for (const name of ['buffer','events','util','path','url','querystring','assert','crypto','string_decoder','timers','process','os','async_hooks']) queue.push([require(name), name])
    while (queue.length > 0) {
      const [value, path] = queue.pop()
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue
      seen.add(value)
      if (typeof value === 'function' && value !== own.prototype && !(value instanceof own)) found.push(path + ' is a function of another realm')
      let proto = null
      try { proto = Object.getPrototypeOf(value) } catch { proto = null }
      queue.push([proto, path + '.__proto__'])
      for (const key of Reflect.ownKeys(value)) {
        let next
        try { next = Reflect.getOwnPropertyDescriptor(value, key) } catch { continue }
        for (const part of ['value', 'get', 'set']) queue.push([next?.[part], path + '.' + String(key)])
      }
    }
    const names = [...seen].flatMap((one) => { try { return Reflect.ownKeys(one).map(String) } catch { return [] } })
    for (const bad of ['applySync', 'applyIgnored', 'derefInto', 'ExternalCopy', 'copySync', 'createContext', '_linkedBinding']) if (names.includes(bad)) found.push(bad)
    return { found, size: seen.size }
  }`)
  const { json } = await fn.result({})
  const { found, size } = json as { found: string[]; size: number }
  t.deepEqual(found, [])
  t.true(size > 500, `${size} objects seen`)
})

test.serial('stack frames give no way to functions of the glue or the host', async (t) => {
  const { define } = await start(t)
  const fn = define(`exports.handler = async () => {
    const seen = []
    Error.prepareStackTrace = (error, sites) => sites.map((site) => [site.getFunction(), site.getThis(), site.getFileName()])
    const look = (run) => { try { run() } catch (e) { for (const [f, self, file] of e.stack ?? []) if (file !== '/var/task/bundle.js') seen.push([typeof f, self === undefined || self === globalThis || self === null]) } }
    look(() => { throw new Error() })
    look(() => new URL('x'))
    look(() => require('crypto').createHash('no'))
    look(() => setTimeout(5))
    console.log({ get [Symbol.toStringTag]() { look(() => { throw new Error() }); return 'x' }, toString() { look(() => { throw new Error() }) } })
    JSON.stringify({ toJSON() { look(() => { throw new Error() }) } })
    return seen.filter(([f, self]) => f !== 'undefined' || !self)
  }`)
  t.deepEqual((await fn.result({})).json, [])
})

test.serial('the bridge survives a function that changes every prototype', async (t) => {
  const { define } = await start(t)
  const fn = define(`const leaked = []
    const steal = function () { leaked.push(this, ...arguments); return undefined }
    Function.prototype.call = steal; Function.prototype.apply = steal; Function.prototype.bind = steal
    Array.prototype.push = function (x) { this[this.length] = x; return this.length }
    Object.prototype.toJSON = undefined
    exports.handler = async () => { console.log('x'); setTimeout(() => {}, 1); return leaked.filter((x) => typeof x === 'function').length }`)
  const { ran, json } = await fn.result({})
  t.is(ran.status, 'ok', JSON.stringify(json))
  t.is(json, 0)
})

test.serial('an instance sees nothing of another, of its own function either', async (t) => {
  const { define } = await start(t, { executorsPerAccountMax: 1 })
  const fn = define(`globalThis.mark = (globalThis.mark ?? 0) + 1; Object.prototype.leak ??= 'set'
    exports.handler = async (e) => { await new Promise((r) => setTimeout(r, e.wait ?? 0)); return globalThis.mark }`)
  const results = await Promise.all([fn.result({ wait: 50 }), fn.result({ wait: 50 })])
  t.deepEqual(
    results.map(({ json }) => json),
    [1, 1]
  )
  const other = define('exports.handler = async () => typeof globalThis.mark + typeof {}.leak')
  t.is((await other.result({})).json, 'undefinedundefined')
})

test.serial('code from text stays inside', async (t) => {
  const { define } = await start(t)
  const fn = define(`exports.handler = async () => [
    new Function('return typeof process.binding')(), (0, eval)('typeof require'), typeof globalThis.ivm,
    (async () => {}).constructor('return typeof process.dlopen')() instanceof Promise,
    (() => { try { process.binding('fs') } catch (e) { return e.message } })() ]`)
  t.deepEqual((await fn.result({})).json, ['function', 'undefined', 'undefined', true, 'process.binding is not available'])
})
