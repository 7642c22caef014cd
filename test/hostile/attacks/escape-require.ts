import { attack } from '../_attack.ts'

/** Modules of the host by every spelling. What packages ask for so and functions lack is a stand-in, of which nothing may be of use. */
export default attack({
  family: 'escape',
  code: `import module, { createRequire } from 'node:module'
const USES = { child_process: ['exec', 'execSync', 'execFileSync', 'spawn', 'spawnSync', 'fork', 'ChildProcess'], worker_threads: ['Worker', 'MessageChannel', 'receiveMessageOnPort'],
  vm: ['runInThisContext', 'runInNewContext', 'createContext', 'Script'], inspector: ['open', 'Session'], cluster: ['fork', 'setupPrimary'], sqlite: ['DatabaseSync'],
  wasi: ['WASI'], repl: ['start'], tls: ['connect', 'createServer'], dns: ['lookup'], http2: ['connect'], v8: ['writeHeapSnapshot', 'deserialize'] }
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const got = []
  const take = (how, run) => { try { const value = run(); if (value !== undefined) got.push(how) } catch { /* as it must be */ } }
  for (const ask of [createRequire('file:///var/task/'), (name) => module._load(name, null, false), (name) => new module('/x').require(name)]) {
    for (const [name, members] of Object.entries(USES)) {
      for (const spelling of [name, 'node:' + name]) {
        let stand
        try { stand = ask(spelling) } catch { continue }
        for (const member of members) {
          take(spelling + '.' + member, () => stand[member]('id'))
          take('new ' + spelling + '.' + member, () => new stand[member]('id'))
        }
      }
    }
    for (const name of ['internal/errors', 'node:internal/bootstrap/realm', 'absent:../fs', '/etc/passwd', '../../../etc/passwd', 'isolated-vm']) take(name, () => ask(name).codes)
  }
  return got.length === 0 ? 'refused' : got
}
`,
  expected: { errors: ['Error', 'TypeError'], results: ['refused'], refusedAtDeploy: true }
})
