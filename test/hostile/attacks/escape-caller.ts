import { attack } from '../_attack.ts'

/** caller, callee and arguments of sloppy functions. */
export default attack({
  family: 'escape',
  code: `const sloppy = new Function('const found = []; let one = arguments.callee; for (let i = 0; i < 10 && one; i++) { try { one = one.caller; if (one) found.push(String(one).slice(0, 20)) } catch { break } } return found')
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  console.log({ toString: sloppy, [Symbol.toPrimitive]: sloppy, get x() { return sloppy() } })
  const found = [sloppy(), JSON.parse(JSON.stringify({ toJSON: sloppy }))].flat()
  return found.filter((text) => /executor|ivm|native/.test(text))
}
`,
  expected: { results: [[]] }
})
