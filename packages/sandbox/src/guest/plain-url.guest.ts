import { reflectApply } from './intrinsics.guest.ts'

const exec = RegExp.prototype.exec

const LABEL = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*'
const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const HOST = `(?:${LABEL}(?:\\.${LABEL})*|${OCTET}(?:\\.${OCTET}){3})`
/** Segments that begin with a dot may mean another folder. */
const PATH = '(?:/(?:[\\w~-][\\w~.-]*)?)+'
const QUERY = '\\?[\\w~.=&%+-]+'
const PLAIN = new RegExp(`^(https?:)//((${HOST})(?::([1-9]\\d{0,3}))?)(${PATH})(${QUERY})?$`)

/**
 * The components (URL_COMPONENTS) of a URL that is written as the URL standard would write it, which those of requests nearly always are; undefined where
 * that is not certain, and the executor must be asked: other schemes, user names, capitals and other characters of hosts, dots in paths, escapes there, fragments.
 * What a label begins with keeps numbers out, which the standard takes for addresses, and single hyphens keep Punycode out.
 */
export function plainUrl(text: string): string[] | undefined {
  const match = reflectApply(exec, PLAIN, [text]) as (string | undefined)[] | null
  if (match === null) return undefined
  const protocol = match[1] as string
  const host = match[2] as string
  const port = match[4] ?? ''
  // The scheme's own is left out.
  if (port === (protocol === 'http:' ? '80' : '443')) return undefined
  return [text, `${protocol}//${host}`, protocol, '', '', host, match[3] as string, port, match[5] as string, match[6] ?? '', '']
}
