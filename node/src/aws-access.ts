import { REGION_DEFAULT } from '@peerless/interface'
import type { AwsAccess } from './aws-signature.ts'
import type { NodeOptions } from './options.ts'
import type { ServiceEndpoints } from './services.ts'

/** Keys as every AWS client takes them from its environment. */
export function awsAccess(): AwsAccess {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_DEFAULT_REGION } = process.env
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
    region: AWS_REGION ?? AWS_DEFAULT_REGION ?? REGION_DEFAULT
  }
}

/** Where records of asynchronous invocations are delivered to: those that were given. */
export function endpointsOf(options: NodeOptions): ServiceEndpoints {
  const given = {
    sqs: options.sqsEndpoint,
    sns: options.snsEndpoint,
    kinesis: options.kinesisEndpoint,
    events: options.eventbridgeEndpoint,
    s3: options.s3Endpoint
  }
  return Object.fromEntries(Object.entries(given).filter(([, origin]) => origin !== undefined))
}
