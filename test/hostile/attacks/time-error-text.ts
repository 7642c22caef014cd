import { attack, TIMEOUT } from '../_attack.ts'

/** A thrown object whose text is a loop. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  throw { toString() { for (;;); }, [Symbol.toPrimitive]() { for (;;); } }
}
`,
  expected: { errors: [TIMEOUT] }
})
