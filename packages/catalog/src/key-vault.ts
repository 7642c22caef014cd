import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { PeerlessError, type Random } from '@peerless/interface'

const IV_BYTES = 12
const TAG_BYTES = 16
/** Longest secret that opens. */
export const SECRET_BYTES_MAX = 256

/** Seals the secrets of access keys, so that disk, gossip and logs never carry one in the clear. */
export interface KeyVault {
  seal(accessKeyId: string, secret: string): Uint8Array
  /** @throws MALFORMED when it was sealed for another key id or mesh, or changed */
  open(accessKeyId: string, sealed: Uint8Array): string
}

/**
 * AES-256-GCM under HKDF-SHA-256 of the mesh secret; the key id is authenticated with it, so a sealed secret cannot be moved to another key.
 * IVs are random: far below 2^32 keys are made in the life of a mesh (NIST SP 800-38D, 8.3).
 */
export function createKeyVault(meshSecret: Uint8Array, random: Random): KeyVault {
  if (meshSecret.length < 16) {
    throw new PeerlessError('INVALID_ARGUMENT', `the mesh secret has ${meshSecret.length} bytes, at least 16 are needed`)
  }
  const key = Buffer.from(hkdfSync('sha256', meshSecret, '', 'catalog-keys', 32))
  return {
    seal(accessKeyId, secret) {
      const iv = random.bytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(accessKeyId))
      return Buffer.concat([iv, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open(accessKeyId, sealed) {
      const whole = sealed.length > IV_BYTES + TAG_BYTES && sealed.length <= IV_BYTES + TAG_BYTES + SECRET_BYTES_MAX
      if (!whole) throw new PeerlessError('MALFORMED', `a sealed secret of ${sealed.length} bytes is too short or too long`)
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(accessKeyId))
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
      try {
        const opened = [decipher.update(sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES)), decipher.final()]
        return Buffer.concat(opened).toString('utf8')
      } catch (error) {
        throw new PeerlessError('MALFORMED', `the secret of key '${accessKeyId}' was not sealed for it in this mesh`, {
          cause: error
        })
      }
    }
  }
}
