import { CompactEncrypt, SignJWT, compactDecrypt, createLocalJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose'

const secret = new TextEncoder().encode('a secret of at least thirty-two bytes')
export const handler = async ({ alg, expired, tampered }) => {
  const now = 1_700_000_000
  if (alg === 'JWE') {
    const jwe = await new CompactEncrypt(new TextEncoder().encode('hidden')).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(secret.slice(0, 32))
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, secret.slice(0, 32))
    return { text: new TextDecoder().decode(plaintext), protectedHeader }
  }
  let signing = secret
  let verifying = secret
  if (alg !== 'HS256') {
    const pair = await generateKeyPair(alg, { extractable: true })
    signing = pair.privateKey
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg }
    await importJWK(jwk)
    verifying = createLocalJWKSet({ keys: [jwk] })
  }
  let token = await new SignJWT({ role: 'admin' }).setProtectedHeader({ alg, kid: 'k1' }).setSubject('ada').setIssuedAt(now).setExpirationTime(now + (expired ? -10 : 3_600)).sign(signing)
  if (tampered) token = `${token.slice(0, -4)}AAAA`
  try {
    const { payload } = await jwtVerify(token, verifying, { currentDate: new Date(now * 1_000) })
    return { payload, header: decodeProtectedHeader(token), ...(alg === 'HS256' ? { token } : {}) }
  } catch (error) {
    return { code: error.code, name: error.name }
  }
}
export const events = [{ alg: 'HS256' }, { alg: 'ES256' }, { alg: 'RS256' }, { alg: 'EdDSA' }, { alg: 'HS256', expired: true }, { alg: 'HS256', tampered: true }, { alg: 'JWE' }]
