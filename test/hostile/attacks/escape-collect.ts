import { attack } from '../_attack.ts'

/** The collector that the guards keep for themselves. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return [typeof gc, typeof globalThis.__peerlessCollect, typeof $262, typeof d8, typeof quit]
}
`,
  expected: { results: [['undefined', 'undefined', 'undefined', 'undefined', 'undefined']] }
})
