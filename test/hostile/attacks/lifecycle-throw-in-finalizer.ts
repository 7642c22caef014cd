import { attack, MEMORY } from '../_attack.ts'

/** Finalizers that throw while others run. */
export default attack({
  family: 'lifecycle',
  code: `const registry = new FinalizationRegistry(() => { throw new Error('final') })
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (let i = 0; i < 200_000; i++) registry.register({ i }, i)
  await new Promise((done) => setTimeout(done, 50))
  return 'answered'
}
`,
  expected: { errors: ['Error', MEMORY, 'Runtime.UnhandledPromiseRejection'], results: ['answered'] }
})
