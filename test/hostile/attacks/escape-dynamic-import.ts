import { attack } from '../_attack.ts'

/** Imports by a name that is known only when it runs. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const names = ['node:fs', 'fs', 'node:child_process', '/etc/passwd', 'file:///etc/passwd', 'data:text/javascript,export default 1']
  const seen = []
  for (const name of names) {
    try { const module = await import(name); seen.push(typeof (module.default?.readFileSync ?? module.execSync ?? module.default)) } catch { seen.push('refused') }
    try { await new Function('name', 'return import(name)')(name); seen.push('came') } catch { seen.push('refused') }
  }
  return seen.filter((one) => one !== 'refused' && one !== 'undefined' && one !== 'function').length
}
`,
  expected: { results: [0] }
})
