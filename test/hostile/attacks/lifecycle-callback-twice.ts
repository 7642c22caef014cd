import { attack } from '../_attack.ts'

/** Calls back twice and throws as well. */
export default attack({
  family: 'lifecycle',
  code: `export const handler = (event, context, callback) => {
  callback(null, 'first')
  callback(new Error('second'))
  setTimeout(() => callback(null, 'third'), 1)
  throw new Error('thrown')
}
`,
  expected: { results: ['first'] }
})
