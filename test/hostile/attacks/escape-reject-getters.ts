import { attack, EXIT } from '../_attack.ts'

/** The host's library reads a rejected error when the call has left: its getters write logs, start timers and work, answer, and exit. */
export default attack({
  family: 'escape',
  code: `export const handler = (event, context, callback) => {
  if (!event.attack) return callback(null, 'harmless')
  const act = (name) => () => {
    console.log(name, new Error('x').stack)
    setTimeout(() => console.log('later'), 1)
    crypto.subtle.digest('SHA-256', new Uint8Array(1))
    if (name === 'stack') process.exit(0)
    Promise.reject(new Error('another'))
    return { toString: act('stack') }
  }
  const error = new Error('x')
  for (const name of ['constructor', 'name', 'message', 'stack']) Object.defineProperty(error, name, { get: act(name) })
  Error.prepareStackTrace = act('prepare')
  Promise.reject(error)
}
`,
  expected: { errors: [EXIT, 'Runtime.UnhandledPromiseRejection'] }
})
