import { PeerlessError } from './errors.ts'

/** AWS: 1–64 characters of letters, digits, hyphen, underscore. */
export const FUNCTION_NAME = /^[a-zA-Z0-9-_]{1,64}$/
/** Same alphabet; an account is a name chosen by people. */
export const ACCOUNT_NAME = /^[a-zA-Z0-9-_.]{1,64}$/
/** AWS: 1–140 characters; 100 here, so that `NAME:N` fits an entry's name. */
export const LAYER_NAME = /^[a-zA-Z0-9-_]{1,100}$/
/** `$LATEST`, a version number, or an alias. */
export const QUALIFIER = /^(\$LATEST|[a-zA-Z0-9-_]{1,128})$/
/** AWS's shape of a handler: `file.export`, folders allowed, without spaces. */
export const HANDLER = /^[^\s]{1,128}$/

export const LATEST = '$LATEST'
/** Any region name is accepted on the way in; this one is used where none is known. */
export const REGION_DEFAULT = 'us-east-1'
export const ACCOUNT_ID_DEFAULT = '000000000000'

export interface FunctionReference {
  name: string
  /** undefined when the reference names none. */
  qualifier: string | undefined
}

/**
 * Reads what the Lambda API calls a FunctionName: a name, `name:qualifier`, a partial ARN (`123456789012:function:name[:q]`) or a full one.
 * @param alleged percent-decoded text
 * @throws PeerlessError INVALID_ARGUMENT naming the value and the rule
 */
export function parseFunctionReference(alleged: string): FunctionReference {
  const arn = /^(?:arn:[a-z0-9-]+:lambda:[a-z0-9-]+:)?(?:\d{12}:)?function:([^:]+)(?::([^:]+))?$/.exec(alleged)
  const plain = arn ?? /^([^:]+)(?::([^:]+))?$/.exec(alleged)
  const name = plain?.[1]
  const qualifier = plain?.[2]
  if (name === undefined || !FUNCTION_NAME.test(name) || (qualifier !== undefined && !QUALIFIER.test(qualifier))) {
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `function name '${alleged.slice(0, 200)}' must be a name of 1 to 64 letters, digits, '-' or '_', optionally with ':qualifier', or an ARN of one`
    )
  }
  return { name, qualifier }
}

/** The manifest of a function's folder, for `peerless deploy`; not part of what is deployed. */
export const MANIFEST_FILE = 'peerless.json'

/** `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]` */
export function functionArn(region: string, accountId: string, name: string, qualifier?: string): string {
  const base = `arn:aws:lambda:${region}:${accountId}:function:${name}`
  return qualifier === undefined ? base : `${base}:${qualifier}`
}
