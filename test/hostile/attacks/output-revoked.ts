import { attack } from '../_attack.ts'

/** A proxy that was revoked. */
export default attack({
  family: 'output',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
`,
  expected: { errors: ['TypeError'] }
})
