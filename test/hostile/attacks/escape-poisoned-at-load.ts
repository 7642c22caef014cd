import { attack } from '../_attack.ts'

/** The same before the handler is first called. */
export default attack({
  family: 'escape',
  code: `const evil = function () { throw new Error('poisoned') }
const { defineProperty } = Object
const { ownKeys } = Reflect
const names = ['Array', 'String', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'RegExp', 'Error', 'Number', 'Boolean', 'Date', 'Uint8Array', 'ArrayBuffer', 'DataView', 'Symbol', 'BigInt', 'Object', 'Function']
for (let i = 0; i < names.length; i++) {
  const holder = globalThis[names[i]].prototype
  const keys = ownKeys(holder)
  for (let j = 0; j < keys.length; j++) {
    if (keys[j] === 'constructor') continue
    try { defineProperty(holder, keys[j], { value: evil, configurable: true, writable: true }) } catch { /* goes on */ }
  }
}
const statics = [JSON, Reflect, Math, Object, Promise, Array, Date]
for (let i = 0; i < statics.length; i++) {
  const keys = ownKeys(statics[i])
  for (let j = 0; j < keys.length; j++) if (keys[j] !== 'prototype') try { statics[i][keys[j]] = evil } catch { /* goes on */ }
}
export const handler = async () => 'still answers'
`,
  expected: { results: ['still answers'] }
})
