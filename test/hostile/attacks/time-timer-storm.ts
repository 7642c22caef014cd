import { attack, TIMEOUT } from '../_attack.ts'

/** Timers that start timers. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return new Promise(() => {
    const storm = () => { setTimeout(storm, 0); setTimeout(storm, 0) }
    storm()
  })
}
`,
  expected: { errors: [TIMEOUT, 'RangeError'] }
})
