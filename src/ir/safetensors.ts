import { type DType, dtypes } from './dtype.js'
import { DataError, FormatError } from './errors.js'
import { bytesOf, type Tensor } from './tensor.js'

/** Tensors by name, and free text beside them: what a .safetensors file holds. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, Tensor>>
  readonly metadata: Readonly<Record<string, string>>
}

const names: Readonly<Partial<Record<DType, string>>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
}
const byName = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]))
/** The limit of the reference implementation. */
const MAX_HEADER = 100_000_000
const METADATA = '__metadata__'

/**
 * Tensors as the bytes of a .safetensors file, largest elements first, so that every tensor lies aligned.
 * @throws DataError for a tensor of strings, or one named `__metadata__`
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(tensors).sort(
    ([a, x], [b, y]) => dtypes[y.dtype].bytes - dtypes[x.dtype].bytes || (a < b ? -1 : a > b ? 1 : 0),
  )
  let offset = 0
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : []
  for (const [name, t] of entries) {
    const dtype = names[t.dtype]
    if (dtype === undefined || name === METADATA)
      throw new DataError({
        code: 'safetensors-entry',
        where: name,
        expected: `a numeric tensor with a name other than ${METADATA}`,
        received: t.dtype,
      })
    const bytes = bytesOf(t).byteLength
    header.push([name, { dtype, shape: t.shape, data_offsets: [offset, offset + bytes] }])
    offset += bytes
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  const padded = Math.ceil(text.length / 8) * 8
  const out = new Uint8Array(8 + padded + offset)
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true)
  out.set(text, 8)
  out.fill(0x20, 8 + text.length, 8 + padded)
  let at = 8 + padded
  for (const [, t] of entries) {
    const bytes = bytesOf(t)
    out.set(bytes, at)
    at += bytes.byteLength
  }
  return out
}

/**
 * The tensors of a .safetensors file, copied out of its bytes.
 * Source of the format: https://huggingface.co/docs/safetensors (header of length, JSON, then the data without gaps).
 *
 * @throws FormatError with the tensor's name or the byte offset where the file is not what the format demands
 */
export function decodeSafetensors(given: Uint8Array): SafetensorsFile {
  // A plain view: Node's Buffer has a `slice` that does not copy.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 8) fail('cut-short', 'byte 0', '8 bytes with the length of the header', `${bytes.length} bytes`)
  const length = Number(view.getBigUint64(0, true))
  if (length > MAX_HEADER || length > bytes.length - 8)
    fail('header-length', 'byte 0', `at most ${Math.min(MAX_HEADER, bytes.length - 8)} bytes of header`, length)
  const { metadata, entries } = readHeader(bytes.subarray(8, 8 + length))
  const start = 8 + length
  let end = 0
  const tensors: [string, Tensor][] = []
  // In the order of the data: without gaps, nothing can overlap or be left over.
  for (const { name, dtype, shape, size, from, to } of entries.sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end)
      fail('offsets', name, `data from ${end} on, where the tensor before it ends`, `data from ${from} on`)
    const { bytes: width, array } = dtypes[dtype]
    if (to - from !== size * width) fail('offsets', name, `${size * width} bytes (${size} × ${dtype})`, to - from)
    if (start + to > bytes.length) fail('cut-short', name, `data up to byte ${start + to}`, `${bytes.length} bytes`)
    const data = new array!(bytes.slice(start + from, start + to).buffer, 0, size)
    if (dtype === 'bool' && data.some(x => x > 1)) fail('value-range', name, 'booleans of 0 or 1', 'another byte')
    tensors.push([name, { dtype, shape, data }])
    end = to
  }
  if (start + end !== bytes.length) fail('offsets', `byte ${start + end}`, 'the end of the file', bytes.length)
  return { tensors: Object.fromEntries(tensors), metadata }
}

interface Entry {
  name: string
  dtype: DType
  shape: number[]
  size: number
  from: number
  to: number
}

function readHeader(bytes: Uint8Array): { metadata: Record<string, string>; entries: Entry[] } {
  let header: unknown
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    header = JSON.parse(text)
  } catch (cause) {
    return fail('header', 'byte 8', 'a header in JSON', cause instanceof Error ? cause.message : String(cause))
  }
  if (!isRecord(header) || bytes[0] !== 0x7b) return fail('header', 'byte 8', 'a JSON object', text.slice(0, 20))
  refuseDuplicates(text)
  let metadata: Record<string, string> = {}
  const entries: Entry[] = []
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) {
      if (!isRecord(entry) || Object.values(entry).some(value => typeof value !== 'string'))
        fail('header', METADATA, 'texts by name', typeof entry)
      metadata = entry as Record<string, string> // checked in the line above
    } else entries.push(readEntry(name, entry))
  }
  return { metadata, entries }
}

function readEntry(name: string, entry: unknown): Entry {
  if (!isRecord(entry)) return fail('header', name, 'dtype, shape and data_offsets', entry)
  const dtype = typeof entry.dtype === 'string' ? byName.get(entry.dtype) : undefined
  if (dtype === undefined)
    return fail('unsupported-dtype', name, `one of ${[...byName.keys()].join(', ')}`, entry.dtype)
  const { shape, data_offsets: offsets } = entry
  if (!isCounts(shape)) return fail('bad-dims', name, 'extents: whole numbers ≥ 0', shape)
  const size = shape.reduce((a, b) => a * b, 1)
  if (!Number.isSafeInteger(size)) return fail('bad-dims', name, 'a product of extents below 2^53', shape.slice(0, 16))
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!)
    return fail('offsets', name, 'data_offsets [begin, end]', offsets)
  return { name, dtype, shape, size, from: offsets[0]!, to: offsets[1]! }
}

/** `JSON.parse` keeps the last of equal keys; here a second tensor of the same name is an error. */
function refuseDuplicates(text: string): void {
  const open: Set<string>[] = []
  // The text is valid JSON by now: strings, braces and brackets are all that matters.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (token.endsWith(':')) {
      const key = JSON.parse(token.slice(0, -1)) as string
      if (open.at(-1)!.has(key)) fail('duplicate-name', key, 'every name once', key)
      open.at(-1)!.add(key)
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 64 && value.every(x => Number.isSafeInteger(x) && x >= 0)

function fail(code: string, where: string, expected: unknown, received: unknown): never {
  throw new FormatError({ code, where, expected, received })
}
