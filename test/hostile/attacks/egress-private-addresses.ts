import { attack } from '../_attack.ts'

/** Every textual form of addresses that are none of its business, the node's own port included. */
export default attack({
  family: 'egress',
  code: `const forms = ['127.0.0.1:8787', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '[::1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '0.0.0.0', '[::]',
  'localhost', 'localhost.', 'LOCALHOST', '127.0.0.1.', '169.254.169.254/latest/meta-data', '[fd00:ec2::254]', '168.63.129.16', '10.0.0.1', '192.168.0.1',
  '100.64.0.1', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[fe80::1]', '224.0.0.1', '255.255.255.255', '１２７.0.0.1', '127。0。0。1', '%31%32%37.0.0.1']
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const reached = []
  await Promise.all(forms.map((form) => fetch('http://' + form, { redirect: 'manual' }).then(() => reached.push(form), (error) => {
    if (!(error instanceof TypeError) || error.message !== 'fetch failed') reached.push(form + ' ' + error)
  })))
  return reached
}
`,
  timeoutSeconds: 10,
  expected: { results: [[]] }
})
