import { attack } from '../_attack.ts'

/** More requests at once than anything takes, and no look at their answers. */
export default attack({
  family: 'egress',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let failed = 0
  await Promise.all(Array.from({ length: 3000 }, (_, index) => fetch('http://10.' + (index & 255) + '.0.1/' + index).catch(() => { failed++ })))
  return failed
}
`,
  timeoutSeconds: 10,
  expected: { results: [3_000], errors: ['Sandbox.Timedout'] }
})
