// @ts-expect-error the package has no types
import { deserialize, serialize } from '@ungap/structured-clone'

/** A deep copy of plain data, maps, sets, dates, errors and typed arrays. @throws where the value can't be copied (functions, symbols) */
export function structuredClone(value: unknown): unknown {
  return deserialize(serialize(value))
}
