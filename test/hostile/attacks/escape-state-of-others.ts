import { attack } from '../_attack.ts'

/** Looks for what other functions left on globals and prototypes, and leaves its own mark. */
export default attack({
  family: 'escape',
  code: `const before = [typeof globalThis.mark, typeof {}.mark, typeof [].mark, typeof Promise.prototype.mark, typeof console.mark]
for (const holder of [globalThis, Object.prototype, Array.prototype, Promise.prototype, console]) holder.mark = 'mine'
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return before
}
`,
  expected: { results: [['undefined', 'undefined', 'undefined', 'undefined', 'undefined']] }
})
