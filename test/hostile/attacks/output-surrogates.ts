import { attack } from '../_attack.ts'

/** Half of a character. */
export default attack({
  family: 'output',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return '\\ud800 \\udfff \\u2028'
}
`,
  expected: { results: ['\ud800 \udfff \u2028'] }
})
