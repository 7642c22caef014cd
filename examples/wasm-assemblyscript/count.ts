// A reactor: its exported functions are called again and again in one instance, which keeps its state.
// What the platform asks for: peerless_alloc gives room for the event; the handler answers with (pointer << 32 | length) of JSON.

let calls: i32 = 0

export function peerless_alloc(length: i32): usize {
  return heap.alloc(length)
}

export function peerless_free(pointer: usize, length: i32): void {
  heap.free(pointer)
}

export function handler(pointer: usize, length: i32): u64 {
  const event = String.UTF8.decodeUnsafe(pointer, length)
  heap.free(pointer)
  if (event.includes('"fail"')) throw new Error('asked to fail')
  calls++
  console.log('call ' + calls.toString())
  return answer('{"calls":' + calls.toString() + ',"characters":' + event.length.toString() + '}')
}

/** Copies a text to where the platform may read it, until it calls peerless_free. */
function answer(text: string): u64 {
  const length = String.UTF8.byteLength(text)
  const pointer = heap.alloc(length)
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, pointer)
  return ((pointer as u64) << 32) | (length as u64)
}
