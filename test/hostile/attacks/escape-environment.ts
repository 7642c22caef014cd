import { attack } from '../_attack.ts'

/** Secrets of the machine and of other functions in the environment. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return Object.keys(process.env).filter((name) => /SECRET|TOKEN|PASSWORD|ACCESS_KEY|PEERLESS_DATA|HOME|USER/.test(name))
}
`,
  expected: { results: [[]] }
})
