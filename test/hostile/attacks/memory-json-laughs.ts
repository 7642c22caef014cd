import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** A billion laughs: a small structure whose JSON is endless. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let laughs = ['ha']
  for (let i = 0; i < 40; i++) laughs = [laughs, laughs, laughs]
  return laughs
}
`,
  expected: { errors: [MEMORY, 'RangeError', TIMEOUT] }
})
