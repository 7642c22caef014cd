import { attack } from '../_attack.ts'

/** process as a way out. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const ways = [() => process.binding('fs'), () => process.dlopen({ exports: {} }, '/x.node'), () => process._linkedBinding('x'), () => process.getBuiltinModule('fs').readFileSync('/etc/passwd')]
  return ways.map((way) => { try { way(); return String(way) } catch { return '' } }).filter((one) => one !== '')
}
`,
  expected: { results: [[]] }
})
