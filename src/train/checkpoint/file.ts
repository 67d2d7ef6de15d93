import { FormatError, type Tensor } from '../../ir/index.js'
import { decodeSafetensors, encodeSafetensors } from '../../ir/safetensors.js'

/** A checkpoint's description, as data, and its tensors. */
export interface CheckpointFile {
  readonly description: unknown
  readonly tensors: Readonly<Record<string, Tensor>>
}

/** The description's first entry, so that the checksum always stands at the same place. */
const PREFIX = '{"__metadata__":{"checksum":"'
const AT = 8 + PREFIX.length
const BLANK = '0'.repeat(64)

/**
 * A checkpoint as the bytes of a .safetensors file. Its metadata hold the description in JSON and the SHA-256 of the
 * whole file, taken with zeros in the checksum's own place.
 */
export async function encodeCheckpoint({ description, tensors }: CheckpointFile): Promise<Uint8Array> {
  const bytes = encodeSafetensors(tensors, {
    checksum: BLANK,
    format: 'anneal checkpoint 1',
    anneal: write(description),
  })
  bytes.set(new TextEncoder().encode(await sha256(bytes)), AT)
  return bytes
}

/** What `encodeCheckpoint` wrote. @throws FormatError where a byte is missing, changed or too many, and for other files */
export async function decodeCheckpoint(bytes: Uint8Array, where: string): Promise<CheckpointFile> {
  const head = new TextDecoder().decode(bytes.subarray(8, AT))
  if (bytes.length < AT + 64)
    throw new FormatError({
      code: 'cut-short',
      where,
      expected: `at least ${AT + 64} bytes of a checkpoint`,
      received: `${bytes.length} bytes`,
    })
  if (head !== PREFIX)
    throw new FormatError({ code: 'not-a-checkpoint', where, expected: 'a checkpoint of anneal', received: head })
  const checksum = new TextDecoder().decode(bytes.subarray(AT, AT + 64))
  // A copy in any case: `slice` of a Buffer of Node is none.
  const blank = new Uint8Array(bytes)
  blank.set(new TextEncoder().encode(BLANK), AT)
  const computed = await sha256(blank)
  if (computed !== checksum)
    throw new FormatError({
      code: 'checksum',
      where,
      expected: `SHA-256 ${checksum}`,
      received: `${computed} over ${bytes.length} bytes`,
      hint: 'the file is damaged or cut short: use an earlier checkpoint',
    })
  const { tensors, metadata } = decodeSafetensors(bytes)
  return { description: read(metadata.anneal ?? 'null'), tensors }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  // The bytes are an array of their own here; the type of `digest` excludes shared memory.
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')
}

/** JSON has no numbers that are not finite, and loses the sign of zero. */
const MARK = '$number'
const write = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'number' && (!Number.isFinite(v) || Object.is(v, -0))
      ? { [MARK]: Object.is(v, -0) ? '-0' : String(v) }
      : v,
  )
const read = (text: string): unknown =>
  JSON.parse(text, (_, v: unknown) =>
    typeof v === 'object' && v !== null && MARK in v ? Number((v as Record<string, unknown>)[MARK]) : v,
  )
