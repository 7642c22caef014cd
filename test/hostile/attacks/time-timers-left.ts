import { attack } from '../_attack.ts'

/** Timers left behind: they must not run once the call has been answered. */
export default attack({
  family: 'time',
  code: `let ticks = 0
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  setInterval(() => { ticks++; for (let i = 0; i < 1e7; i++); }, 1)
  return 'answered'
}
`,
  expected: { results: ['answered'] }
})
