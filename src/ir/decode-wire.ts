import { type DescField, type DescMessage, fromBinary, ScalarType } from '@bufbuild/protobuf'
import { WireType } from '@bufbuild/protobuf/wire'
import { FormatError } from './errors.js'
import { type ModelProto, ModelProtoSchema } from './proto/onnx_pb.js'

/** A message costs hundreds of bytes in memory and as few as two in a file. */
const MAX_MESSAGES = 2_000_000
/** Numbers kept one by one (`float_data`, `int64_data`, …) cost far more than in the file; `raw_data` has no such limit. */
const MAX_ELEMENTS = 32_000_000
const MAX_DEPTH = 100
/** Protocol buffers end at 2 GiB; larger models keep their tensors in external files. */
const MAX_BYTES = 2 ** 31 - 1

/** Bytes as a message, once its structure has been checked. */
export function parseModel(given: Uint8Array): ModelProto {
  // A plain view: Node's Buffer has a `slice` that does not copy.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
  if (bytes.length > MAX_BYTES)
    throw new FormatError({
      code: 'too-large',
      where: 'byte 0',
      expected: `at most ${MAX_BYTES} bytes`,
      received: bytes.length,
      hint: 'save the model with its tensors as external data',
    })
  new WireCheck(bytes).message(ModelProtoSchema, 0, bytes.length, 'model', 0)
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false, recursionLimit: MAX_DEPTH })
  } catch (cause) {
    throw new FormatError({
      code: 'malformed',
      where: 'model',
      expected: 'an ONNX model (protocol buffers)',
      received: cause instanceof Error ? cause.message : String(cause),
      cause,
    })
  }
}

/**
 * Walks the bytes along the schema before anything is built from them: every length inside what holds it, every field
 * on the wire as its type demands, nothing nested without end, no more messages than memory can take. The parser itself
 * checks none of these but the end of the file.
 */
class WireCheck {
  readonly #bytes: Uint8Array
  #at = 0
  #messages = 0
  #elements = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  message(schema: DescMessage, from: number, to: number, path: string, depth: number): void {
    if (depth >= MAX_DEPTH) this.#fail('too-deep', path, from, `at most ${MAX_DEPTH} levels of nesting`, 'more')
    if (++this.#messages > MAX_MESSAGES)
      this.#fail('too-many-messages', path, from, `at most ${MAX_MESSAGES} messages in a file`, 'more')
    const fields = fieldsOf(schema)
    this.#at = from
    while (this.#at < to) {
      const start = this.#at
      const tag = this.#varint(to, path)
      const [number, wire] = [Math.floor(tag / 8), tag % 8]
      if (number === 0 || tag > 0xffffffff) this.#fail('malformed', path, start, 'a field number', number)
      const field = fields.get(number)
      const inner = field === undefined ? path : `${path}.${field.name}`
      const end = this.#skip(wire, to, inner, start)
      if (field !== undefined) this.#field(field, wire, this.#payload, end, inner, depth, start)
      this.#at = end
    }
  }

  /** Where the content of the field just skipped begins, behind its length. */
  #payload = 0

  #skip(wire: number, to: number, path: string, start: number): number {
    this.#payload = this.#at
    let end = this.#at
    if (wire === WireType.Varint) {
      this.#varint(to, path)
      end = this.#at
    } else if (wire === WireType.Bit64) end += 8
    else if (wire === WireType.Bit32) end += 4
    else if (wire === WireType.LengthDelimited) {
      const length = this.#varint(to, path)
      this.#payload = this.#at
      end = this.#at + length
    } else this.#fail('malformed', path, start, 'a wire type ONNX uses', wire)
    if (end > to) this.#fail('cut-short', path, start, `${end - this.#payload} bytes`, `${to - this.#payload} bytes`)
    return end
  }

  #field(field: DescField, wire: number, from: number, to: number, path: string, depth: number, start: number): void {
    const list = field.fieldKind === 'list' && field.listKind !== 'message'
    const message = field.message
    const natural = message !== undefined ? WireType.LengthDelimited : wireOf(field)
    const packed = list && natural !== WireType.LengthDelimited && wire === WireType.LengthDelimited
    if (wire !== natural && !packed)
      this.#fail('malformed', path, start, `wire type ${WireType[natural]}`, WireType[wire] ?? wire)
    if (message !== undefined) this.message(message, from, to, path, depth + 1)
    if (!list) return
    this.#elements += packed ? this.#packed(natural, from, to, path) : 1
    if (this.#elements > MAX_ELEMENTS)
      this.#fail('too-many-elements', path, start, `at most ${MAX_ELEMENTS} numbers outside raw_data`, 'more')
  }

  /** How many numbers a packed list holds; it must end where the last one ends. */
  #packed(wire: WireType, from: number, to: number, path: string): number {
    if (wire === WireType.Varint) {
      let count = 0
      for (this.#at = from; this.#at < to; count++) this.#varint(to, path)
      return count
    }
    const bytes = wire === WireType.Bit64 ? 8 : 4
    if ((to - from) % bytes !== 0) this.#fail('malformed', path, from, `a multiple of ${bytes} bytes`, to - from)
    return (to - from) / bytes
  }

  /** Exact up to 2^53, which is more than any tag or length may be. */
  #varint(to: number, path: string): number {
    const start = this.#at
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      if (this.#at >= to) this.#fail('cut-short', path, start, 'a whole number', 'the end')
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    return this.#fail('malformed', path, start, 'a number of at most 10 bytes', 'a longer one')
  }

  #fail(code: string, path: string, at: number, expected: unknown, received: unknown): never {
    throw new FormatError({ code, where: `byte ${at} (${path})`, expected, received })
  }
}

const tables = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>()
// A memo of the constant schema: nothing depends on whether it is found or made anew.
function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  const known = tables.get(schema)
  if (known !== undefined) return known
  const table = new Map(schema.fields.map(field => [field.number, field]))
  tables.set(schema, table)
  return table
}

function wireOf(field: DescField): WireType {
  switch (field.scalar) {
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited
    default:
      return WireType.Varint
  }
}
