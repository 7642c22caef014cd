import {
  accountMayInvoke,
  DESTINATION_SERVICES,
  type DestinationService,
  type FunctionRecord,
  type PeerlessError,
  serviceDestination
} from '@peerless/interface'
import { invalid } from './lambda-validator.ts'
import type { GatewayContext } from './options.ts'

/** What a destination's ARN may be of; the rest of AWS's services are no place for a record. */
const KINDS: ReadonlySet<string> = new Set([...DESTINATION_SERVICES, 'lambda'])
const FLAGS: Readonly<Record<DestinationService, string>> = {
  sqs: '--sqs-endpoint',
  sns: '--sns-endpoint',
  kinesis: '--kinesis-endpoint',
  s3: '--s3-endpoint',
  events: '--eventbridge-endpoint'
}
const URL_CHARS_MAX = 2_048

/**
 * A place for the records of a function's asynchronous invocations. What is accepted can be delivered to, as far as that can be known now.
 * @throws ApiError InvalidParameterValueException, as recorded where AWS refuses it too
 */
export function checkDestination(
  context: GatewayContext,
  source: FunctionRecord,
  side: 'onSuccess' | 'onFailure',
  destination: string
): void {
  const [, , service = '', , , kind, name = '', qualifier] = destination.split(':')
  const wrong = (reason: string) => invalid(`The destination ${destination.slice(0, 400)} is invalid: ${reason}`)
  if (!destination.startsWith('arn:')) {
    checkUrl(destination, wrong)
    return
  }
  if (!KINDS.has(service)) {
    const printed = (one: 'onSuccess' | 'onFailure', type: string) =>
      `${one}=${one === side ? `${type}(destination=${destination})` : 'null'}`
    throw invalid(
      `The provided destination config DestinationConfig(${printed('onSuccess', 'OnSuccess')}, ${printed('onFailure', 'OnFailure')}) is invalid.`
    )
  }
  if (service === 'lambda') {
    if (kind === 'function' && name === source.name) throw invalid("You can't specify the function as a destination for itself.")
    const record = kind === 'function' ? context.catalog.get('function', name) : undefined
    if (record === undefined) throw invalid(`The destination ARN ${destination} is invalid.`)
    if (!accountMayInvoke(record, source.account, qualifier)) throw wrong(notInvokable(source.account, name))
    return
  }
  checkService(context, destination, `The destination ARN ${destination} is invalid`)
}

/**
 * Where the event itself goes when it was given up.
 * @param account whose the function is
 * @throws ApiError InvalidParameterValueException
 */
export function checkDeadLetterTarget(context: GatewayContext, account: string, target: string): void {
  const wrong = (reason: string) => invalid(`The dead letter target ${target.slice(0, 400)} is invalid: ${reason}`)
  if (!target.startsWith('arn:')) {
    checkUrl(target, wrong)
    return
  }
  const [, , service = '', , , kind, name = '', qualifier] = target.split(':')
  if (service === 'lambda') {
    const record = kind === 'function' ? context.catalog.get('function', name) : undefined
    if (record === undefined) throw wrong('there is no such function in this mesh')
    if (!accountMayInvoke(record, account, qualifier)) throw wrong(notInvokable(account, name))
    return
  }
  checkService(context, target, `The provided dead letter target ARN ${target} is invalid`)
}

/** Records come in the name of the function's account, whoever set the destination. */
function notInvokable(account: string, name: string): string {
  return `account '${account}' may not invoke function '${name}', which belongs to another account or denies it`
}

/** @param problem how the error begins */
function checkService({ deliversTo }: GatewayContext, arn: string, problem: string): void {
  const found = serviceDestination(arn)
  if (found === undefined)
    throw invalid(`${problem}: it must be the ARN of a queue, topic, stream, bucket, event bus or function of this mesh.`)
  const { service } = found
  if (deliversTo?.(service) !== true)
    throw invalid(`${problem}: no node of this mesh delivers to ${service}; start one with ${FLAGS[service]} URL.`)
}

/** CloudEvents go to plain web addresses. What they resolve to is checked at each delivery, by the policy for functions' own requests. */
function checkUrl(address: string, wrong: (reason: string) => PeerlessError): void {
  if (address.length > URL_CHARS_MAX) throw wrong(`it has ${address.length} characters, at most ${URL_CHARS_MAX}`)
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw wrong('it must be an ARN or an http:// or https:// address')
  if (url.username !== '' || url.password !== '') throw wrong('an address must have no user name or password in it')
}
