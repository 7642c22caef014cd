import { attack } from '../_attack.ts'

/** A clock fine enough to spy with. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const marks = []
  for (let i = 0; i < 5_000; i++) marks.push(performance.now() % 1, Number(Temporal.Now.instant().epochNanoseconds % 1_000_000n), Number(process.hrtime.bigint() % 1_000_000n), process.hrtime()[1] % 1_000_000)
  return marks.some((one) => one !== 0)
}
`,
  expected: { results: [false] }
})
