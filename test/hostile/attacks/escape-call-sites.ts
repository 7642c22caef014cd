import { attack } from '../_attack.ts'

/** CallSite objects of every frame: functions, receivers and file names of the host. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  Error.prepareStackTrace = (error, sites) => sites
  const found = []
  const look = (run) => {
    try { run() } catch (error) {
      for (const site of Array.isArray(error.stack) ? error.stack : []) {
        const file = String(site.getFileName())
        if (!/bundle\\.js$/.test(file) && (site.getFunction() !== undefined || ![undefined, globalThis].includes(site.getThis()))) found.push(file)
        if (/node_modules|executor|node:internal/.test(file)) found.push(file)
      }
    }
  }
  look(() => { throw new Error() })
  look(() => new URL('not a url'))
  look(() => JSON.parse('{'))
  look(() => new WebAssembly.Memory({ initial: 1e9 }))
  look(() => structuredClone(() => {}))
  look(() => crypto.getRandomValues(new Uint8Array(1e6)))
  return found
}
`,
  expected: { results: [[]] }
})
