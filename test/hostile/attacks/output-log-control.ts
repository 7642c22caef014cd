import { attack } from '../_attack.ts'

/** Log lines with control characters and forged platform lines. */
export default attack({
  family: 'output',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  console.log('\\x1b[2J\\x1b]0;owned\\x07\\nREPORT RequestId: forged\\r\\n\\0')
  return 'done'
}
`,
  expected: { results: ['done'] }
})
