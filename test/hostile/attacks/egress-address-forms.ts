import { attack } from '../_attack.ts'

/** Closed addresses in every spelling that URLs know: short, octal, hexadecimal, one number, full width, IPv4 in IPv6, NAT64, 6to4, Teredo. */
export default attack({
  family: 'egress',
  timeoutSeconds: 10,
  code: `const HOSTS = ['127.1', '0x7f.1', '2130706433', '0177.0.0.1', '127.0.0.1.', '①②⑦.0.0.1', '0', '[::]', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]',
  '[::127.0.0.1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]', '[fe80::1]', '[fd00:ec2::254]',
  '169.254.169.254', '100.100.100.200', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255', 'localhost', 'a.localhost']
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const reached = []
  for (const host of HOSTS) {
    await fetch('http://' + host + '/').then(() => reached.push(host), ({ cause }) => { if (cause.rule !== 'address' && cause.rule !== 'dns') reached.push(host + ' ' + cause.rule) })
  }
  return reached
}
`,
  expected: { results: [[]] }
})
