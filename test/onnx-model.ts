import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttrType,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from '../src/ir/proto/onnx_pb.js'

/** ONNX files written by hand, valid or not: for tests of what reads them. */

type Attribute = MessageInitShape<typeof AttributeProtoSchema>
export type NodeInit = MessageInitShape<typeof NodeProtoSchema>
export type GraphInit = MessageInitShape<typeof GraphProtoSchema>
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>
type AttrInit = number | string | readonly number[] | { float: number } | { tensor: TensorInit } | { graph: GraphInit }

export const FLOAT = 1
export const INT64 = 7

const attribute = (name: string, value: AttrInit): Attribute => {
  if (typeof value === 'number') return { name, type: AttrType.INT, i: BigInt(value) }
  if (typeof value === 'string') return { name, type: AttrType.STRING, s: new TextEncoder().encode(value) }
  if (Array.isArray(value)) return { name, type: AttrType.INTS, ints: value.map(BigInt) }
  if ('float' in value) return { name, type: AttrType.FLOAT, f: value.float }
  if ('tensor' in value) return { name, type: AttrType.TENSOR, t: value.tensor }
  return { name, type: AttrType.GRAPH, g: (value as { graph: GraphInit }).graph }
}

/** `node('Add', ['a', 'b'], ['c'])`; whole numbers become INT attributes, `{ float: 1 }` a FLOAT; a list is taken as it is. */
export const node = (
  opType: string,
  input: string[],
  output: string[],
  attrs: Readonly<Record<string, AttrInit>> | readonly Attribute[] = {},
  more: NodeInit = {},
): NodeInit => ({
  opType,
  input,
  output,
  attribute: Array.isArray(attrs)
    ? [...(attrs as readonly Attribute[])]
    : Object.entries(attrs as Readonly<Record<string, AttrInit>>).map(([name, value]) => attribute(name, value)),
  ...more,
})

export const port = (
  name: string,
  dims: readonly (number | string)[],
  elemType = FLOAT,
): MessageInitShape<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType,
        shape: {
          dim: dims.map(dim => ({
            value:
              typeof dim === 'number'
                ? { case: 'dimValue' as const, value: BigInt(dim) }
                : { case: 'dimParam' as const, value: dim },
          })),
        },
      },
    },
  },
})

export const floats = (
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): TensorInit => ({
  name,
  dataType: FLOAT,
  dims: dims.map(BigInt),
  floatData: [...values],
})

export const int64s = (
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): TensorInit => ({
  name,
  dataType: INT64,
  dims: dims.map(BigInt),
  int64Data: values.map(BigInt),
})

/** The bytes of a model. */
export const model = (
  graph: GraphInit | undefined,
  {
    opset = 17,
    irVersion = 8,
    ...more
  }: { opset?: number; irVersion?: number } & Omit<
    MessageInitShape<typeof ModelProtoSchema>,
    'irVersion' | '$typeName'
  > = {},
): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      ...(graph === undefined ? {} : { graph: { name: 'g', ...graph } as GraphInit }),
      ...more,
    } as MessageInitShape<typeof ModelProtoSchema>),
  )
