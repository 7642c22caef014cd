import { attack, TIMEOUT } from '../_attack.ts'

/** A calendar that is asked for a field by a getter that loops, after the longest differences that there are. */
export default attack({
  family: 'time',
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const first = Temporal.PlainDate.from('-271821-04-20'), last = Temporal.PlainDate.from('+275760-09-13')
  for (let index = 0; index < 100_000; index++) first.until(last, { largestUnit: 'years' })
  return Temporal.PlainDate.from({ get year() { for (;;); }, month: 1, day: 1 })
}
`,
  expected: { errors: [TIMEOUT] }
})
