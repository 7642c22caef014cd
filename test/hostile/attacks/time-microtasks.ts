import { attack, TIMEOUT } from '../_attack.ts'

/** Microtasks for ever. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Promise(() => {
    const again = () => { Promise.resolve().then(again) }
    again()
  })
}
`,
  expected: { errors: [TIMEOUT] }
})
