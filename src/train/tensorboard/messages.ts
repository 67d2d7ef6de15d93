import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/**
 * The protocol buffers of event files, as far as they are written here. Field numbers are those of TensorFlow's
 * event.proto, summary.proto, tensor.proto and TensorBoard's hparams plugin. As proto3 demands, fields stand in order
 * and those with their default are left out.
 */

type Fields = (writer: BinaryWriter) => void

export function message(fields: Fields): Uint8Array {
  const writer = new BinaryWriter()
  fields(writer)
  return writer.finish()
}

export function string(w: BinaryWriter, field: number, value: string | undefined): void {
  if (value !== undefined && value !== '') w.tag(field, WireType.LengthDelimited).string(value)
}
export function bytes(w: BinaryWriter, field: number, value: Uint8Array): void {
  w.tag(field, WireType.LengthDelimited).bytes(value)
}
export function double(w: BinaryWriter, field: number, value: number): void {
  if (value !== 0 || Object.is(value, -0)) w.tag(field, WireType.Bit64).double(value)
}
export function integer(w: BinaryWriter, field: number, value: number): void {
  if (value !== 0) w.tag(field, WireType.Varint).int64(value)
}
export function nested(w: BinaryWriter, field: number, fields: Fields): void {
  w.tag(field, WireType.LengthDelimited).fork()
  fields(w)
  w.join()
}
function doubles(w: BinaryWriter, field: number, values: readonly number[]): void {
  if (values.length === 0) return
  w.tag(field, WireType.LengthDelimited).fork()
  for (const value of values) w.double(value)
  w.join()
}

export interface EventFields {
  /** Seconds since 1970. */
  readonly wallTime: number
  readonly step?: number
  readonly summary?: Uint8Array
}

export const eventMessage = ({ wallTime, step = 0, summary }: EventFields): Uint8Array =>
  message(w => {
    double(w, 1, wallTime)
    integer(w, 2, step)
    if (summary !== undefined) nested(w, 5, inner => bytes(inner, 1, summary))
  })

/** The first event of a file: it names the format. */
export const versionMessage = (wallTime: number): Uint8Array =>
  message(w => {
    double(w, 1, wallTime)
    string(w, 3, 'brain.Event:2')
    nested(w, 10, source => string(source, 1, 'anneal'))
  })

/** A float32, in the form that every reader knows as a scalar. */
export const scalarValue = (tag: string, value: number): Uint8Array =>
  message(w => {
    string(w, 1, tag)
    w.tag(2, WireType.Bit32).float(value)
  })

export interface Histogram {
  readonly min: number
  readonly max: number
  readonly num: number
  readonly sum: number
  readonly sumSquares: number
  /** Right edge of each bucket. */
  readonly limits: readonly number[]
  readonly counts: readonly number[]
}

export const histogramValue = (tag: string, h: Histogram): Uint8Array =>
  message(w => {
    string(w, 1, tag)
    nested(w, 5, histo => {
      double(histo, 1, h.min)
      double(histo, 2, h.max)
      double(histo, 3, h.num)
      double(histo, 4, h.sum)
      double(histo, 5, h.sumSquares)
      doubles(histo, 6, h.limits)
      doubles(histo, 7, h.counts)
    })
  })

export interface EncodedImage {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly png: Uint8Array
}

export const imageValue = (tag: string, { height, width, channels, png }: EncodedImage): Uint8Array =>
  message(w => {
    string(w, 1, tag)
    nested(w, 4, image => {
      integer(image, 1, height)
      integer(image, 2, width)
      integer(image, 3, channels)
      bytes(image, 4, png)
    })
  })

const DT_FLOAT = 1
const DT_STRING = 7
/** What a summary's data are, for TensorBoard's readers (DataClass): a tensor. */
const DATA_CLASS_TENSOR = 2

function metadata(w: BinaryWriter, plugin: string, content?: Uint8Array): void {
  nested(w, 9, meta => {
    nested(meta, 1, data => {
      string(data, 1, plugin)
      if (content !== undefined) bytes(data, 2, content)
    })
    integer(meta, 4, DATA_CLASS_TENSOR)
  })
}

/** A text, or a table of them: one row per outer element. */
export const textValue = (tag: string, text: string | readonly string[] | readonly (readonly string[])[]): Uint8Array =>
  message(w => {
    const shape = typeof text === 'string' ? [] : Array.isArray(text[0]) ? [text.length, text[0].length] : [text.length]
    string(w, 1, tag)
    nested(w, 8, tensor => {
      integer(tensor, 1, DT_STRING)
      nested(tensor, 2, dims => {
        for (const size of shape) nested(dims, 2, dim => integer(dim, 1, size))
      })
      for (const line of [text].flat(2)) tensor.tag(8, WireType.LengthDelimited).string(line)
    })
    metadata(w, 'text')
  })

/** What TensorBoard's hparams plugin reads: its data stand in the metadata, beside an empty tensor. */
export const pluginValue = (tag: string, plugin: string, content: Uint8Array): Uint8Array =>
  message(w => {
    string(w, 1, tag)
    nested(w, 8, tensor => {
      integer(tensor, 1, DT_FLOAT)
      nested(tensor, 2, dims => nested(dims, 2, () => {}))
    })
    metadata(w, plugin, content)
  })
