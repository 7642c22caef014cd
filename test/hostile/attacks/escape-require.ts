import { attack } from '../_attack.ts'

/** Modules of the host by every spelling. */
export default attack({
  family: 'escape',
  code: `import { createRequire } from 'node:module'
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  try { return typeof createRequire('file:///var/task/')('node:child_process') } catch { return 'refused' /* as it must be */ }
}
`,
  expected: { errors: ['Error', 'TypeError'], results: ['refused'], refusedAtDeploy: true }
})
