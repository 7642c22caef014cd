import protobuf from 'protobufjs'

const { root } = protobuf.parse('syntax = "proto3"; package p; enum Kind { NONE = 0; BIG = 1; } message Item { string name = 1; int32 count = 2; repeated double values = 3; Kind kind = 4; map<string, int64> ids = 5; bytes data = 6; oneof choice { string a = 7; uint32 b = 8; } }')
const Item = root.lookupType('p.Item')
export const handler = async (event) => {
  const problem = Item.verify(event)
  if (problem) return { problem }
  const bytes = Item.encode(Item.fromObject(event)).finish()
  return { hex: Buffer.from(bytes).toString('hex'), isBuffer: Buffer.isBuffer(bytes), back: Item.toObject(Item.decode(bytes), { longs: String, enums: String, bytes: String, defaults: true, oneofs: true }), json: JSON.stringify(Item.toJSON ? Item.toJSON() : null).length > 10 }
}
export const events = [{ name: 'ñ', count: -5, values: [1.5, 2], kind: 1, ids: { x: 7 }, a: 'yes' }, { data: 'AQL/' , b: 9 }, { name: 5 }, {}]
