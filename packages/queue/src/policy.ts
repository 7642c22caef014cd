import { accountMayInvoke, type Catalog, settingsOf, versionOf } from '@peerless/interface'
import { EVENT_AGE_MS_DEFAULT, RETRIES_DEFAULT } from './constants.ts'
import type { EventPolicy } from './destinations.ts'

/**
 * What the catalog says of the asynchronous events of a function's qualifier; Lambda's defaults for what it does not say.
 * @param account whose function it was when the event was accepted: what another account has under that name now says nothing of it. undefined: not known
 */
export function policyOf(
  catalog: Catalog,
  functionName: string,
  qualifier: string | undefined,
  account: string | undefined
): EventPolicy {
  const named = catalog.get('function', functionName)
  const record = named !== undefined && (account ?? named.account) === named.account ? named : undefined
  const settings = record === undefined ? undefined : settingsOf(record, qualifier).eventInvoke
  const version = record === undefined || qualifier === undefined ? undefined : versionOf(catalog, record, qualifier)
  return {
    retries: settings?.retriesMax ?? RETRIES_DEFAULT,
    ageMsMax: settings?.eventAgeSecondsMax === undefined ? EVENT_AGE_MS_DEFAULT : settings.eventAgeSecondsMax * 1_000,
    onSuccess: settings?.onSuccess,
    onFailure: settings?.onFailure,
    deadLetter: (version ?? record?.latest)?.deadLetterTarget,
    recursionAllowed: record?.recursiveLoop === 'Allow',
    ownerOf: (target) => {
      const destination = catalog.get('function', target.functionName)
      // One that is gone is found missing when its turn comes, as for any other event.
      if (destination === undefined) return account
      return record === undefined || accountMayInvoke(destination, record.account, target.qualifier)
        ? destination.account
        : undefined
    }
  }
}
