import { attack, TIMEOUT } from '../_attack.ts'

/** A loop after an await: isolated-vm's timeout has ended by then. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  await null
  for (;;);
}
`,
  expected: { errors: [TIMEOUT] }
})
