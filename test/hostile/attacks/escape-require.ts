import { attack } from '../_attack.ts'

/** Modules of the host by every spelling. */
export default attack({
  family: 'escape',
  code: `import { createRequire } from 'node:module'
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return typeof createRequire
}
`,
  expected: { errors: ['Error', 'TypeError'], results: ['undefined'], refusedAtDeploy: true }
})
