import { CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

const told = (error) => ({ name: error.name, status: error.$metadata?.httpStatusCode ?? null })
export const handler = async ({ endpoint, bucket }) => {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'id', secretAccessKey: 'secret' }, maxAttempts: 1 })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const put = await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a/ñ.txt', Body: 'hello ñ', ContentType: 'text/plain', Metadata: { who: 'ada' } }))
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'bytes', Body: Buffer.alloc(200_000, 7) }))
  const text = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a/ñ.txt' }))
  const bytes = await (await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'bytes' }))).Body.transformToByteArray()
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'bytes' }))
  const list = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'bytes' }))
  return {
    etag: put.ETag,
    text: await text.Body.transformToString(),
    type: text.ContentType,
    meta: text.Metadata,
    bytes: bytes.length,
    last: bytes.at(-1),
    length: head.ContentLength,
    keys: list.Contents.map(({ Key, Size }) => [Key, Size]),
    missing: await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'bytes' })).catch(told),
    refused: await new S3Client({ endpoint: 'http://127.0.0.1:1', region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'id', secretAccessKey: 'secret' }, maxAttempts: 1 }).send(new HeadObjectCommand({ Bucket: bucket, Key: 'x' })).catch((error) => ({ failed: error instanceof Error }))
  }
}
export const events = [{ bucket: 'one' }]
