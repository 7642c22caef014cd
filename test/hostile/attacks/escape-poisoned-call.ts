import { attack } from '../_attack.ts'

/** Collects what passes through call, apply and bind: a bridge function would be worth much. */
export default attack({
  family: 'escape',
  code: `const seen = []
const take = function (...values) { seen[seen.length] = this; for (let i = 0; i < values.length; i++) seen[seen.length] = values[i] }
for (const name of ['call', 'apply', 'bind']) Function.prototype[name] = take
Array.prototype.push = function (value) { seen[seen.length] = value; this[this.length] = value; return this.length }
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  console.log('one', { two: 2 })
  setTimeout(() => {}, 1)
  new URL('http://h/')
  return seen.filter((one) => typeof one === 'function' && !(one instanceof Function)).length
}
`,
  expected: { errors: ['TypeError'], results: [0] }
})
