import { attack, TIMEOUT } from '../_attack.ts'

/** Species and hasInstance of what the glue tests results with. */
export default attack({
  family: 'escape',
  code: `class Sly extends Promise {
  static get [Symbol.species]() { return function (run) { run((value) => value, () => {}); return this } }
  then(done) { done('from my then'); return this }
}
Object.defineProperty(Promise, Symbol.hasInstance, { value: () => true })
export const handler = (event) => (event.attack ? Sly.resolve('x') : 'harmless')
`,
  expected: { errors: [TIMEOUT, 'TypeError'], results: ['from my then', 'x'] }
})
