import { isPeerlessError, LIMITS, type PeerlessError } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import type { LambdaContext } from './lambda-context.ts'
import type { Members } from './lambda-members.ts'
import { invalid } from './lambda-validator.ts'

const SOURCES = 'ZipFile, or S3Bucket and S3Key'

/**
 * The zip that a request carries or points to: FunctionCode, LayerVersionContentInput, or the members of UpdateFunctionCode.
 * @throws ApiError when there is none, or two, or it is no base64, or above Lambda's 50 MB
 */
export async function zipOf(context: LambdaContext, code: Members): Promise<Uint8Array> {
  if (code.has('ImageUri')) throw invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
  if (code.text('S3ObjectStorageMode') === 'REFERENCE')
    throw invalid('S3ObjectStorageMode REFERENCE is not supported by this mesh: code is always copied')
  const [zip, bucket, key] = [code.text('ZipFile'), code.text('S3Bucket'), code.text('S3Key')]
  if (zip !== undefined && zip !== '' && (bucket !== undefined || key !== undefined))
    throw invalid(`Please do not provide other FunctionCode parameters when providing a ZipFile.`)
  if (bucket !== undefined && key !== undefined) return await fromBucket(context, bucket, key, code.text('S3ObjectVersion'))
  if (bucket !== undefined || key !== undefined) throw invalid('Please provide both S3Bucket and S3Key.')
  if (zip === undefined || zip === '') throw invalid(`Please provide a source for function code: ${SOURCES}.`)
  return bounded(decoded(zip))
}

/** Runs a change of code; what the zip had wrong is told as Lambda tells it where Lambda has a text for it. */
export async function deploying<Result>(change: () => Promise<Result>): Promise<Result> {
  try {
    return await change()
  } catch (error) {
    if (isPeerlessError(error, 'INVALID_ZIP') && error.detail?.unreadable === true)
      throw invalid('Could not unzip uploaded file. Please check your file, then try to upload again.')
    if (isPeerlessError(error, 'TOO_LARGE') && error.detail?.unzipped === true)
      throw invalid(`Unzipped size must be smaller than ${LIMITS.unzippedBytesMax} bytes`)
    throw error
  }
}

async function fromBucket(context: LambdaContext, bucket: string, key: string, version: string | undefined): Promise<Uint8Array> {
  const { fetchObject } = context
  if (fetchObject === undefined)
    throw invalid('Code of S3Bucket and S3Key needs a node that was started with --s3-endpoint: upload the zip as ZipFile')
  try {
    return bounded(await fetchObject({ bucket, key, version, bytesMax: LIMITS.zipBytesMax }))
  } catch (error) {
    if (isPeerlessError(error, 'TOO_LARGE')) throw tooLarge()
    if (isPeerlessError(error, 'THROTTLED')) throw error
    throw isPeerlessError(error) ? invalid((error as PeerlessError).message) : error
  }
}

function bounded(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= LIMITS.zipBytesMax) throw tooLarge()
  return bytes
}

function tooLarge(): ApiError {
  return new ApiError(
    'TOO_LARGE',
    'RequestEntityTooLargeException',
    `Zipped size must be smaller than ${LIMITS.zipBytesMax} bytes`
  )
}

/** Strictly: nothing outside the alphabet, right padding. */
function decoded(encoded: string): Buffer {
  const bytes = Buffer.from(encoded, 'base64')
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0
  // Node's decoder skips what is not base64 and takes the URL alphabet: then the length is short, or one of its letters is there.
  const strict = encoded.length % 4 === 0 && bytes.length === (encoded.length / 4) * 3 - padding
  if (!strict || encoded.includes('-') || encoded.includes('_'))
    throw new ApiError('INVALID_ARGUMENT', 'SerializationException', 'ZipFile is not valid base64')
  return bytes
}
