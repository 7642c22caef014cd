/** Algorithms that may be named: the standard's, and what WinterTC adds. What Node has beyond them is not offered. */
export const WEB_CRYPTO_ALGORITHMS: readonly string[] = [
  'SHA-1',
  'SHA-256',
  'SHA-384',
  'SHA-512',
  'HMAC',
  'AES-GCM',
  'AES-CBC',
  'AES-CTR',
  'AES-KW',
  'RSA-OAEP',
  'RSA-PSS',
  'RSASSA-PKCS1-v1_5',
  'ECDSA',
  'ECDH',
  'Ed25519',
  'X25519',
  'HKDF',
  'PBKDF2'
]
