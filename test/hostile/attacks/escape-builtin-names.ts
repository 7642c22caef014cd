import { attack } from '../_attack.ts'

/** Members of Object.prototype as names of modules. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const load = globalThis.__peerlessRequire
  return ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'fs/../child_process', 'node:node:fs', 'vm', 'worker_threads', 'inspector'].filter((name) => { try { load(name); return true } catch { return false } })
}
`,
  expected: { results: [[]] }
})
