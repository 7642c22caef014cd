/** A shape of the service model: what a member may hold, and how Lambda names the rule that it breaks. */
export type Shape =
  | {
      readonly type: 'text'
      readonly min: number | undefined
      readonly max: number | undefined
      readonly pattern: Pattern | undefined
    }
  | { readonly type: 'oneOf'; readonly values: readonly string[] }
  | { readonly type: 'whole' | 'real'; readonly min: number | undefined; readonly max: number | undefined }
  | { readonly type: 'boolean' | 'timestamp' | 'blob' | 'anything' }
  | { readonly type: 'list'; readonly of: string; readonly min: number | undefined; readonly max: number | undefined }
  | { readonly type: 'map'; readonly key: string; readonly value: string; readonly max: number | undefined }
  | { readonly type: 'structure'; readonly members: readonly Member[] }

export interface Pattern {
  /** As the model and the errors write it. */
  readonly source: string
  readonly whole: RegExp
}

export interface Member {
  readonly name: string
  readonly shape: string
  readonly required: boolean
}

/** Method, path, status, members. */
export type OperationRow = readonly [method: string, path: string, status: number, members: Readonly<Record<string, string>>]

/** @param also a pattern of the mesh's own that is taken too; errors go on to name the service's alone */
export function text(min?: number, max?: number, pattern?: string, also?: string): Shape {
  return { type: 'text', min, max, pattern: pattern === undefined ? undefined : patternOf(pattern, also) }
}

export function oneOf(...values: string[]): Shape {
  return { type: 'oneOf', values }
}

export function whole(min?: number, max?: number): Shape {
  return { type: 'whole', min, max }
}

export function real(min?: number, max?: number): Shape {
  return { type: 'real', min, max }
}

export function boolean(): Shape {
  return { type: 'boolean' }
}

export function timestamp(): Shape {
  return { type: 'timestamp' }
}

/** Base64 in JSON, bytes where it is the whole body. */
export function blob(): Shape {
  return { type: 'blob' }
}

/** JSON that nobody looks into: members of operations that are refused as a whole. */
export function anything(): Shape {
  return { type: 'anything' }
}

export function list(of: string, min?: number, max?: number): Shape {
  return { type: 'list', of, min, max }
}

export function map(key: string, value: string, _min?: number, max?: number): Shape {
  return { type: 'map', key, value, max }
}

export function structure(members: Record<string, string>): Shape {
  return {
    type: 'structure',
    members: Object.entries(members).map(([name, spec]) => ({
      name,
      shape: spec.replace('!', ''),
      required: spec.endsWith('!')
    }))
  }
}

/** Patterns of the model are for the whole value; they are Java's, of which only what JavaScript has too is used. */
function patternOf(source: string, also: string | undefined): Pattern {
  const taken = also === undefined ? source : `${source}|${also}`
  return { source, whole: new RegExp(`^(?:${taken})$`, source.includes('\\p{') ? 'u' : '') }
}
