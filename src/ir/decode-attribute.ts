import { type DescField, isFieldSet } from '@bufbuild/protobuf'
import type { AttributeDescription, GraphDescription } from './decode-model.js'
import { decodeTensor, text } from './decode-tensor.js'
import { FormatError } from './errors.js'
import type { ExternalFiles } from './external.js'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttrType,
  type GraphProto,
} from './proto/onnx_pb.js'

const fields = AttributeProtoSchema.field
const fieldOf: Readonly<Partial<Record<AttrType, DescField>>> = {
  [AttrType.FLOAT]: fields.f,
  [AttrType.INT]: fields.i,
  [AttrType.STRING]: fields.s,
  [AttrType.TENSOR]: fields.t,
  [AttrType.GRAPH]: fields.g,
  [AttrType.SPARSE_TENSOR]: fields.sparseTensor,
  [AttrType.TYPE_PROTO]: fields.tp,
  [AttrType.FLOATS]: fields.floats,
  [AttrType.INTS]: fields.ints,
  [AttrType.STRINGS]: fields.strings,
  [AttrType.TENSORS]: fields.tensors,
  [AttrType.GRAPHS]: fields.graphs,
  [AttrType.SPARSE_TENSORS]: fields.sparseTensors,
  [AttrType.TYPE_PROTOS]: fields.typeProtos,
}
const types = Object.keys(fieldOf).map(Number) as AttrType[]

/** The value of an attribute, which must be of the type the file says it is. */
export function decodeAttribute(
  attr: AttributeProto,
  where: string,
  files: ExternalFiles | undefined,
  body: (graph: GraphProto, where: string) => GraphDescription,
): AttributeDescription {
  const present = types.filter(type => isFieldSet(attr, fieldOf[type]!))
  // Files of the first IR versions leave the type out.
  const type = attr.type === AttrType.UNDEFINED ? present[0] : attr.type
  const other = present.find(found => found !== type)
  if (type === undefined || other !== undefined)
    throw new FormatError({
      code: 'attribute-type',
      where,
      expected: type === undefined ? 'a value' : `a value of type ${AttrType[type]}`,
      received: other === undefined ? 'none' : AttrType[other],
    })
  switch (type) {
    case AttrType.FLOAT:
      return attr.f
    case AttrType.INT:
      return toNumber(attr.i)
    case AttrType.STRING:
      return text(attr.s, where)
    case AttrType.FLOATS:
      return attr.floats
    case AttrType.INTS:
      return attr.ints.map(toNumber)
    case AttrType.STRINGS:
      return attr.strings.map(bytes => text(bytes, where))
    case AttrType.TENSOR:
      if (attr.t !== undefined) return decodeTensor(attr.t, where, files)
      break
    case AttrType.GRAPH:
      if (attr.g !== undefined) return body(attr.g, where)
      break
    default:
      throw new FormatError({
        code: 'unsupported-attribute',
        where,
        expected: 'a number, text, a tensor, a graph, or a list of numbers or texts',
        received: AttrType[type] ?? `attribute type ${type}`,
      })
  }
  throw new FormatError({ code: 'attribute-type', where, expected: AttrType[type], received: 'nothing' })
}

/** Integers beyond 2^53 only ever mean "to the end" in attributes; they come out as ±(2^53 − 1). */
const toNumber = (value: bigint): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)))
