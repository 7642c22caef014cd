import { attack, TIMEOUT } from '../_attack.ts'

/** A thousand chains that ask for the next turn of the event loop in every turn, after two hundred harmless calls. */
export default attack({
  family: 'time',
  callsBefore: 200,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const again = () => setImmediate(again)
  for (let chain = 0; chain < 1_000; chain++) again()
  return new Promise(() => undefined)
}
`,
  expected: { errors: [TIMEOUT] }
})
