import {
  type Attrs,
  type AttrValue,
  type DType,
  dtypeFromOnnx,
  dtypes,
  type Graph,
  GraphError,
  type NestedNumbers,
  type Node,
  nearest,
  type Tensor,
  type TensorType,
  type TypedArray,
  tensor,
  type Value,
} from '../ir/index.js'
import type { Sample } from './sample.js'

/** What a builder accepts where the operator wants a tensor: plain numbers become a constant of the fitting dtype. */
export type Operand = Value | Tensor | TypedArray | NestedNumbers

// ---- attributes -------------------------------------------------------------------------------------------------

type AttrKind = 'int' | 'flag' | 'float' | 'string' | 'dtype' | 'ints' | 'floats' | 'strings' | 'tensor' | 'graph'
export interface AttrSpec<Input = unknown, Resolved = unknown, Required extends boolean = boolean> {
  readonly kind: AttrKind
  readonly required: Required
  readonly fallback: Resolved | undefined
  readonly choices?: readonly string[]
  /** Phantom: what the builder accepts. */
  readonly accepts?: Input
}
const attr =
  <In, Out = In>(kind: AttrKind) =>
  (fallback: Out): AttrSpec<In, Out, false> => ({ kind, required: false, fallback })
const maybe =
  <In, Out = In>(kind: AttrKind) =>
  (): AttrSpec<In, Out | undefined, false> => ({ kind, required: false, fallback: undefined })
const must =
  <In, Out = In>(kind: AttrKind) =>
  (): AttrSpec<In, Out, true> => ({ kind, required: true, fallback: undefined })

/** Attribute descriptors: `int(0)` has a default, `int.optional()` may be absent, `int.required()` must be given. */
export const int = Object.assign(attr<number>('int'), { optional: maybe<number>('int'), required: must<number>('int') })
/** ONNX's 0/1 integers: the builder takes a boolean as well. */
export const flag = attr<boolean | 0 | 1, 0 | 1>('flag')
export const float = Object.assign(attr<number>('float'), {
  optional: maybe<number>('float'),
  required: must<number>('float'),
})
export const ints = Object.assign(attr<readonly number[]>('ints'), {
  optional: maybe<readonly number[]>('ints'),
  required: must<readonly number[]>('ints'),
})
export const floats = { optional: maybe<readonly number[]>('floats') }
export const strings = { optional: maybe<readonly string[]>('strings') }
export const string = Object.assign(
  <const C extends string>(fallback: C, choices?: readonly C[]): AttrSpec<C, C, false> => ({
    kind: 'string',
    required: false,
    fallback,
    ...(choices === undefined ? {} : { choices }),
  }),
  { optional: maybe<string>('string'), required: must<string>('string') },
)
export const tensorAttr = { optional: maybe<Tensor>('tensor') }
/** A dtype by name; a node keeps ONNX's number for it, as a file does. */
export const dtypeAttr = Object.assign(attr<DType, number>('dtype'), {
  optional: maybe<DType, number>('dtype'),
  required: must<DType, number>('dtype'),
})
export const graphAttr = { required: must<Graph>('graph') }

type AttrSpecs = Readonly<Record<string, AttrSpec>>
type OptionsOf<A extends AttrSpecs> = {
  [K in keyof A as A[K] extends AttrSpec<unknown, unknown, true> ? K : never]: NonNullable<A[K]['accepts']>
} & { [K in keyof A as A[K] extends AttrSpec<unknown, unknown, true> ? never : K]?: A[K]['accepts'] | undefined }
type ResolvedOf<A extends AttrSpecs> = {
  readonly [K in keyof A]: A[K] extends AttrSpec<unknown, infer R, boolean> ? R : never
}

// ---- inputs and outputs -----------------------------------------------------------------------------------------

/** `'x'` is required, `'b?'` optional, `'xs*'` any number. */
export type NameOf<S extends string> = S extends `${infer N}?` ? N : S extends `${infer N}*` ? N : S
type ValuesOf<I extends string> = {
  readonly [S in I as NameOf<S>]: S extends `${string}?`
    ? Value | null
    : S extends `${string}*`
      ? readonly Value[]
      : Value
}
type RequiredArgs<I extends readonly string[]> = I extends readonly [
  infer H extends string,
  ...infer T extends string[],
]
  ? H extends `${string}?`
    ? []
    : H extends `${string}*`
      ? [readonly Operand[]]
      : [Operand, ...RequiredArgs<T>]
  : []
type OptionalArgs<I extends readonly string[]> = I extends readonly [
  infer H extends string,
  ...infer T extends string[],
]
  ? H extends `${string}?`
    ? [Operand | null | undefined, ...OptionalArgs<T>]
    : OptionalArgs<T>
  : []
type Prefixes<T extends readonly unknown[]> = T extends readonly [...infer Init, infer _Last] ? T | Prefixes<Init> : []
type OptionArgs<A extends AttrSpecs> =
  Record<never, never> extends OptionsOf<A> ? [options?: OptionsOf<A>] : [options: OptionsOf<A>]
type BuilderArgs<I extends readonly string[], A extends AttrSpecs> =
  Prefixes<OptionalArgs<I>> extends infer P extends readonly unknown[]
    ? P extends readonly unknown[]
      ? [...RequiredArgs<I>, ...P, ...OptionArgs<A>]
      : never
    : never
type AllOutputs<O extends readonly string[]> = O extends readonly [`${string}*`]
  ? readonly Value[]
  : { readonly [S in O[number] as NameOf<S>]: Value }
type Result<O extends readonly string[]> = O extends readonly [`${string}*`]
  ? readonly Value[]
  : O extends readonly [`${string}?`, ...string[]]
    ? AllOutputs<O>
    : O extends readonly [string]
      ? Value
      : O extends readonly [string, `${string}?`, ...string[]]
        ? Value
        : AllOutputs<O>

// ---- rules ------------------------------------------------------------------------------------------------------

export interface RuleContext<I extends string = string, R = Attrs> {
  /** The node's inputs by name. */
  readonly in: ValuesOf<I>
  readonly out: readonly Value[]
  /** The gradient of each output; null where nothing flows into it. */
  readonly grads: readonly (Value | null)[]
  readonly attrs: R
  readonly node: Node
  readonly graph: Graph
  /** For a variadic input: which one is asked for. */
  readonly position: number
}
/** From the gradient of the first output to the gradient of one input, written with builders. */
export type Rule<I extends string = string, R = Attrs> = (g: Value, ctx: RuleContext<I, R>) => Value
/** From the gradient of the output to the squared norm of each example's gradient of this input: shape [batch]. */
export type PerExampleRule<I extends string = string, R = Attrs> = (g: Value, ctx: RuleContext<I, R>) => Value

/** The outputs that stand for the old node's; undefined where the node can be taken as it is. */
export type Upgraded = readonly Value[] | undefined
export interface OldNode {
  readonly graph: Graph
  readonly op: string
  readonly name: string
  readonly attrs: Attrs
  readonly inputs: readonly (Value | null)[]
  readonly outputCount: number
}

interface Definition<I extends readonly string[], O extends readonly string[], A extends AttrSpecs> {
  /** Inputs in order: `'x'`, `'b?'` optional, `'xs*'` variadic. */
  inputs: I
  /** Outputs in order, the same way; `['Y']` when left out. Optional ones are computed only when used. */
  outputs?: O
  attrs?: A
  domain?: string
  /** Inputs for which plain numbers mean int64 rather than the first operand's dtype. */
  integers?: readonly NameOf<I[number]>[]
  /** Elementwise with multidirectional broadcasting: the sweep sums each gradient back to its input's shape. */
  broadcast?: boolean
  infer: (inputs: ValuesOf<I[number]>, attrs: ResolvedOf<A>, where: string) => TensorType | readonly TensorType[]
  /** ONNX demands every output in a file, used or not. */
  keepOutputs?: boolean
  /** Newer than the operator set that graphs are written in, or slower than its parts: the body stands in its place. */
  expand?: boolean
  /** Optional outputs whose gradients the rules take into account (`grads`); a loss that uses another one is an error. */
  flows?: readonly NameOf<O[number]>[]
  /** For each input its gradient; null where it is zero by definition (integers, steps, conditions). */
  vjp: { readonly [K in NameOf<I[number]>]: Rule<I[number], ResolvedOf<A>> | null } | 'body'
  /** The operator in terms of others; where `vjp` is 'body' its gradient is that of these parts. */
  body?: (inputs: ValuesOf<I[number]>, attrs: ResolvedOf<A>) => Value
  /** Squared per-example norms without the per-example gradients themselves, for inputs that are parameters. */
  perExample?: { readonly [K in NameOf<I[number]>]?: PerExampleRule<I[number], ResolvedOf<A>> }
  /** Rewrites a node of an older opset to current operators. Undefined means the node can be taken as it is. */
  upgrade?: (node: OldNode, opset: number) => Upgraded
  /** Inputs on which the checker tries the record. */
  samples: readonly Sample[]
}

/** Everything about one ONNX operator. */
export interface OpRecord {
  readonly op: string
  readonly domain: string
  readonly inputs: readonly {
    readonly name: string
    readonly optional: boolean
    readonly variadic: boolean
    readonly integer: boolean
  }[]
  readonly outputs: readonly {
    readonly name: string
    readonly optional: boolean
    readonly variadic: boolean
    /** Whether a gradient may reach it. */
    readonly flows: boolean
  }[]
  readonly attrs: AttrSpecs
  readonly broadcast: boolean
  readonly keepOutputs: boolean
  readonly expand: boolean
  readonly infer: (
    inputs: Record<string, Value | readonly Value[] | null>,
    attrs: Attrs,
    where: string,
  ) => readonly TensorType[]
  readonly vjp: Readonly<Record<string, Rule | null>> | 'body'
  readonly body: ((inputs: Record<string, Value | readonly Value[] | null>, attrs: Attrs) => Value) | undefined
  readonly perExample: Readonly<Record<string, PerExampleRule | undefined>>
  readonly upgrade: ((node: OldNode, opset: number) => Upgraded) | undefined
  readonly samples: readonly Sample[]
}

export interface Builder<I extends readonly string[], O extends readonly string[], A extends AttrSpecs> {
  (...args: BuilderArgs<I, A>): Result<O>
  /** Like the call, but returns every output by name, the optional ones too. */
  all(...args: BuilderArgs<I, A>): AllOutputs<O>
  readonly record: OpRecord
}

const parseName = (text: string) => ({
  name: text.replace(/[?*]$/, ''),
  optional: text.endsWith('?'),
  variadic: text.endsWith('*'),
})

/** Defines an operator: returns its builder, which carries the record. */
export function defineOp<
  const I extends readonly string[],
  const A extends AttrSpecs = Record<never, never>,
  const O extends readonly string[] = readonly ['Y'],
>(op: string, definition: Definition<I, O, A>): Builder<I, O, A> {
  const integers = new Set<string>(definition.integers ?? [])
  const flows = new Set<string>(definition.flows ?? [])
  const record: OpRecord = {
    op,
    domain: definition.domain ?? '',
    inputs: definition.inputs.map(text => {
      const parsed = parseName(text)
      return { ...parsed, integer: integers.has(parsed.name) }
    }),
    outputs: (definition.outputs ?? ['Y']).map(text => {
      const parsed = parseName(text)
      return { ...parsed, flows: !parsed.optional || flows.has(parsed.name) }
    }),
    attrs: definition.attrs ?? {},
    broadcast: definition.broadcast ?? false,
    keepOutputs: definition.keepOutputs ?? false,
    expand: definition.expand ?? false,
    // The casts below are true because `applyOp` passes inputs and attributes by the names of this very definition.
    infer: (inputs, attrs, where) => {
      const types = definition.infer(inputs as ValuesOf<I[number]>, attrs as ResolvedOf<A>, where)
      return Array.isArray(types) ? (types as readonly TensorType[]) : [types as TensorType]
    },
    vjp: definition.vjp as OpRecord['vjp'],
    body: definition.body as OpRecord['body'],
    perExample: (definition.perExample ?? {}) as OpRecord['perExample'],
    upgrade: definition.upgrade,
    samples: definition.samples,
  }
  const build = (args: readonly unknown[]): Node => applyArgs(record, args)
  const variadicOutput = record.outputs[0]?.variadic ?? false
  const single = record.outputs.filter(output => !output.optional).length === 1 && !variadicOutput
  const named = (node: Node) =>
    variadicOutput ? node.outputs : Object.fromEntries(node.outputs.map((value, i) => [record.outputs[i]!.name, value]))
  const call = (...args: BuilderArgs<I, A>) => {
    const node = build(args)
    return (single ? node.outputs[0] : named(node)) as Result<O>
  }
  return Object.assign(call, { all: (...args: BuilderArgs<I, A>) => named(build(args)) as AllOutputs<O>, record })
}

// ---- application ------------------------------------------------------------------------------------------------

export const isValue = (x: unknown): x is Value => typeof x === 'object' && x !== null && 'graph' in x && 'dtype' in x
const isTensor = (x: unknown): x is Tensor => typeof x === 'object' && x !== null && 'data' in x && 'dtype' in x
const isOptions = (x: unknown): boolean =>
  typeof x === 'object' && x !== null && !Array.isArray(x) && !ArrayBuffer.isView(x) && !isValue(x) && !isTensor(x)

/** Builds a node from a builder call's arguments. */
function applyArgs(record: OpRecord, args: readonly unknown[]): Node {
  const last = args.at(-1)
  const options = args.length > 0 && isOptions(last) ? (last as Attrs) : {}
  const operands = args.length > 0 && isOptions(last) ? args.slice(0, -1) : args
  const flat: { operand: unknown; integer: boolean }[] = []
  operands.forEach((operand, i) => {
    const spec = record.inputs[i]
    if (spec === undefined)
      throw new GraphError({
        code: 'too-many-inputs',
        where: record.op,
        expected: `at most ${record.inputs.length}`,
        received: operands.length,
      })
    if (spec.variadic)
      for (const item of operand as readonly unknown[]) flat.push({ operand: item, integer: spec.integer })
    else flat.push({ operand, integer: spec.integer })
  })
  const values = flat.map(f => f.operand).filter(isValue)
  const graph = innermost(values, record.op)
  const typed = flat.flatMap(f => (isValue(f.operand) && !f.integer ? [f.operand] : []))
  // The numbers in `where(test, x, 0)` are like x, not like the test.
  const like = typed.find(value => value.dtype !== 'bool') ?? typed[0]
  const inputs = flat.map(({ operand, integer }) => {
    if (operand === undefined || operand === null) return null
    if (isValue(operand)) return operand
    if (isTensor(operand)) return graph.constant(operand)
    const dtype: DType | undefined = integer ? 'int64' : like?.dtype
    return graph.constant(
      tensor(operand as TypedArray | NestedNumbers, undefined, ArrayBuffer.isView(operand) ? undefined : dtype),
    )
  })
  return applyOp(record, graph, inputs, options)
}

function innermost(values: readonly Value[], op: string): Graph {
  if (values.length === 0)
    throw new GraphError({
      code: 'no-graph',
      where: op,
      expected: 'at least one operand that is a Value',
      received: 'plain numbers only',
    })
  // Inside the body of a Loop or Scan, operands may come from the body and from around it: the node belongs to the body.
  let graph = values[0]!.graph
  for (const value of values) {
    for (let g: Graph | null = value.graph; g !== null; g = g.outer)
      if (g === graph) {
        graph = value.graph
        break
      }
  }
  return graph
}

/** The record's attributes with defaults filled in and names and types checked. */
export function resolveAttrs(record: OpRecord, given: Attrs, where: string): Attrs {
  const resolved: Record<string, AttrValue | undefined> = {}
  for (const name of Object.keys(given))
    if (!(name in record.attrs))
      throw new GraphError({
        code: 'unknown-attribute',
        where,
        expected:
          Object.keys(record.attrs).length > 0 ? `one of ${Object.keys(record.attrs).join(', ')}` : 'no attributes',
        received: name,
        ...(Object.keys(record.attrs).length > 0
          ? { hint: `did you mean ${nearest(name, Object.keys(record.attrs), 1)[0]}?` }
          : {}),
      })
  for (const [name, spec] of Object.entries(record.attrs)) {
    let value = given[name]
    if (value === undefined) {
      if (spec.required)
        throw new GraphError({
          code: 'missing-attribute',
          where,
          expected: `attribute ${name} (${spec.kind})`,
          received: 'nothing',
        })
      resolved[name] = spec.fallback as AttrValue | undefined
      continue
    }
    if (spec.kind === 'flag') value = value === true || value === 1 ? 1 : 0
    if (spec.kind === 'dtype' && typeof value === 'string' && value in dtypes) value = dtypes[value as DType].onnx
    const fits =
      spec.kind === 'int' || spec.kind === 'flag'
        ? Number.isInteger(value)
        : spec.kind === 'dtype'
          ? typeof value === 'number' && dtypeFromOnnx(value) !== undefined
          : spec.kind === 'float'
            ? typeof value === 'number'
            : spec.kind === 'string'
              ? typeof value === 'string' && (spec.choices === undefined || spec.choices.includes(value))
              : spec.kind === 'ints'
                ? Array.isArray(value) && value.every(Number.isInteger)
                : spec.kind === 'floats' || spec.kind === 'strings'
                  ? Array.isArray(value)
                  : typeof value === 'object'
    if (!fits)
      throw new GraphError({
        code: 'bad-attribute',
        where,
        expected: `${name}: ${spec.choices?.join(' | ') ?? spec.kind}`,
        received: value instanceof Object && !Array.isArray(value) ? typeof value : value,
      })
    resolved[name] = value
  }
  return resolved
}

/** A node's inputs by the record's names. */
export function namedInputs(
  record: OpRecord,
  inputs: readonly (Value | null)[],
): Record<string, Value | readonly Value[] | null> {
  const named: Record<string, Value | readonly Value[] | null> = {}
  record.inputs.forEach((spec, i) => {
    named[spec.name] = spec.variadic ? inputs.slice(i).filter(v => v !== null) : (inputs[i] ?? null)
  })
  return named
}

/** Builds a node of `record` with inputs in ONNX's order: the one place where operators enter a graph. */
export function applyOp(
  record: OpRecord,
  graph: Graph,
  inputs: readonly (Value | null)[],
  attrs: Attrs = {},
  names: { name?: string; outputNames?: readonly string[]; stopGradient?: boolean } = {},
): Node {
  const where = names.name ?? (graph.scopePath === '' ? record.op : `${graph.scopePath}/${record.op}`)
  const resolved = resolveAttrs(record, attrs, where)
  record.inputs.forEach((spec, i) => {
    if (!spec.optional && !spec.variadic && (inputs[i] ?? null) === null)
      throw new GraphError({ code: 'missing-input', where, expected: `input ${spec.name}`, received: 'nothing' })
    if (spec.variadic && inputs.length <= i)
      throw new GraphError({
        code: 'missing-input',
        where,
        expected: `at least one of ${spec.name}`,
        received: 'nothing',
      })
  })
  if (inputs.length > record.inputs.length && !record.inputs.at(-1)?.variadic)
    throw new GraphError({ code: 'too-many-inputs', where, expected: record.inputs.length, received: inputs.length })
  const named = namedInputs(record, inputs)
  const outputs = record.infer(named, resolved, where)
  // The last node of a body, for operators of one output.
  const body = record.expand ? record.body?.(named, resolved).node : undefined
  if (body) {
    if (names.outputNames?.[0] !== undefined) graph.rename(body.outputs[0]!, names.outputNames[0])
    return body
  }
  const floatAttrs = Object.keys(record.attrs).filter(name => record.attrs[name]!.kind.startsWith('float'))
  return graph.node({
    op: record.op,
    domain: record.domain,
    attrs: resolved,
    floatAttrs,
    inputs,
    outputs,
    keepOutputs: record.keepOutputs,
    ...names,
  })
}
