import { attack, TIMEOUT } from '../_attack.ts'

/** Half a million log lines. */
export default attack({
  family: 'output',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (let i = 0; i < 500_000; i++) console.log('line', i)
  return 'done'
}
`,
  expected: { errors: [TIMEOUT], results: ['done'] }
})
