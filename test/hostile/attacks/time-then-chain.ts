import { attack, TIMEOUT } from '../_attack.ts'

/** Each then gives another thenable. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const next = () => ({ then(done) { done(next()) } })
  return next()
}
`,
  expected: { errors: [TIMEOUT] }
})
