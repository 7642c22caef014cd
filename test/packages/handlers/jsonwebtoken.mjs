import { generateKeyPairSync } from 'node:crypto'
import jwt from 'jsonwebtoken'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const handler = async ({ algorithm, wrong, expired }) => {
  const [sign, verify] = algorithm === 'RS256' || algorithm === 'PS256' ? [rsa.privateKey, rsa.publicKey] : algorithm === 'ES256' ? [ec.privateKey, ec.publicKey] : ['secret', 'secret']
  const token = jwt.sign({ sub: 'ada', iat: 1_700_000_000, ...(expired ? { exp: 1_700_000_001 } : {}) }, sign, { algorithm })
  const told = algorithm === 'HS256' || algorithm === 'RS256' ? { head: token.split('.')[0] } : {}
  try {
    return { ...told, payload: jwt.verify(token, wrong ? 'other' : verify, { algorithms: [algorithm] }), decoded: jwt.decode(token, { complete: true }).header }
  } catch (error) {
    return { ...told, name: error.name, message: error.message }
  }
}
export const events = [{ algorithm: 'HS256' }, { algorithm: 'RS256' }, { algorithm: 'PS256' }, { algorithm: 'ES256' }, { algorithm: 'HS256', wrong: true }, { algorithm: 'HS256', expired: true }]
