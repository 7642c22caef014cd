import { attack, TIMEOUT } from '../_attack.ts'

/** A resource whose end never ends, awaited by the language itself. */
export default attack({
  family: 'time',
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  await using held = { [Symbol.asyncDispose]: () => new Promise(() => {}) }
  const stack = new DisposableStack()
  stack.defer(() => { for (;;); })
  stack.dispose()
  return held
}
`,
  expected: { errors: [TIMEOUT] }
})
