import { isPeerlessError } from '@peerless/interface'

/**
 * Dials one place after the other, until one is reached: addresses of one dial are tried in turn within one time, which one that swallows packets uses up.
 * @throws what the last one failed with, or the first that was reached and refused
 */
export async function reach(places: readonly string[][], dial: (addresses: string[]) => Promise<void>): Promise<void> {
  for (const [index, addresses] of places.entries()) {
    try {
      await dial(addresses)
      return
    } catch (error) {
      if (index === places.length - 1 || !isPeerlessError(error, 'CONNECTION_LOST')) throw error
    }
  }
}
