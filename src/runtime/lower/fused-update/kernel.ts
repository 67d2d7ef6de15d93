import { number, type Primitive, primitives, type Reduction } from './operators.js'
import { types, type WasmFunction, wasm, wasmModule } from './wasm.js'

/**
 * What is done to each element of arrays of one length. Instructions name earlier ones by number, and the arrays they
 * work on by the place of their pointer in the call's record.
 */
export type Instruction =
  | { readonly do: 'load'; readonly operand: number; readonly scalar: boolean }
  | { readonly do: 'number'; readonly value: number }
  | { readonly do: 'truth'; readonly value: boolean }
  | { readonly do: 'apply'; readonly primitive: Primitive; readonly values: readonly number[] }
  | { readonly do: 'reduce'; readonly reduction: Reduction; readonly value: number; readonly operand: number }
  | { readonly do: 'store'; readonly value: number; readonly operand: number }
export type Body = readonly Instruction[]

/** Bytes of a call's record: the number of elements, then a pointer per operand, each an int32. */
export const recordBytes = (operands: number): number => 4 * (operands + 1)

const { get, set, i32, f64, v128, i32x4, f32x4, f64x2 } = wasm

/**
 * A module of one function per body; `run(records)` calls them one after the other, each with its record, and
 * `flush(pointer, bytes)` sets to zero what is too small for full precision. Arrays begin at multiples of 16 bytes and
 * are padded to them; what the padding holds is of no importance.
 */
export function kernelModule(
  bodies: readonly Body[],
  calls: readonly { readonly body: number; readonly record: number }[],
): Uint8Array<ArrayBuffer> {
  const run: WasmFunction = {
    parameters: 1,
    locals: [],
    code: calls.flatMap(({ body, record }) => [...get(0), ...i32.const(record), ...i32.add, ...wasm.call(body)]),
  }
  const functions = [...bodies.map(compileBody), run, flush]
  return wasmModule(functions, { run: bodies.length, flush: bodies.length + 1 })
}

function compileBody(body: Body): WasmFunction {
  const locals: number[] = []
  const local = (type: number): number => locals.push(type) // the parameter is local 0
  const operands = Math.max(-1, ...body.map(step => ('operand' in step ? step.operand : -1))) + 1
  const pointers = Array.from({ length: operands }, () => local(types.i32))
  const [at, end, count] = [local(types.i32), local(types.i32), local(types.i32)]
  const values = body.map(() => local(types.v128))
  const masked = body.some(step => step.do === 'reduce')
  const lane = masked ? local(types.v128) : 0
  const mask = masked ? local(types.v128) : 0

  const before: number[] = [
    ...get(0),
    ...i32.load(0),
    ...set(count),
    // Bytes to pass over: whole vectors of 16.
    ...get(count),
    ...i32.const(3),
    ...i32.add,
    ...i32.const(-4),
    ...i32.and,
    ...i32.const(2),
    ...i32.shl,
    ...set(end),
    ...pointers.flatMap((pointer, i) => [...get(0), ...i32.load(4 * (i + 1)), ...set(pointer)]),
  ]
  const inside: number[] = []
  const after: number[] = []
  const address = (operand: number) => [...get(pointers[operand]!), ...get(at), ...i32.add]
  if (masked) {
    before.push(...v128.lanes(0, 1, 2, 3), ...set(lane))
    inside.push(...get(lane), ...get(count), ...i32x4.splat, ...i32x4.lessSigned, ...set(mask))
  }
  body.forEach((step, i) => {
    const into = set(values[i]!)
    if (step.do === 'number') before.push(...number(step.value), ...into)
    else if (step.do === 'truth') before.push(...v128.lanes(...new Array<number>(4).fill(step.value ? -1 : 0)), ...into)
    else if (step.do === 'load' && step.scalar)
      before.push(...get(pointers[step.operand]!), ...v128.load32Splat(), ...into)
    else if (step.do === 'load') inside.push(...address(step.operand), ...v128.load(), ...into)
    else if (step.do === 'apply') {
      const compute = primitives[step.primitive] as (...values: readonly (readonly number[])[]) => readonly number[]
      inside.push(...compute(...step.values.map(value => get(values[value]!))), ...into)
    } else if (step.do === 'store') inside.push(...address(step.operand), ...get(values[step.value]!), ...v128.store())
    else {
      const { start, pass, finish } = reduce(step.reduction, get(values[step.value]!), get(mask), get(count), local)
      before.push(...start)
      inside.push(...pass)
      after.push(...get(pointers[step.operand]!), ...finish, ...v128.store())
    }
  })
  inside.push(...get(at), ...i32.const(16), ...i32.add, ...set(at))
  if (masked) inside.push(...get(lane), ...v128.lanes(4, 4, 4, 4), ...i32x4.add, ...set(lane))
  const again = [...get(at), ...get(end), ...i32.lessUnsigned]
  return { parameters: 1, locals, code: [...before, ...wasm.loop(inside, again), ...after] }
}

interface ReductionCode {
  readonly start: readonly number[]
  readonly pass: readonly number[]
  /** Leaves the result in all lanes of a vector. */
  readonly finish: readonly number[]
}

function reduce(
  kind: Reduction,
  value: readonly number[],
  mask: readonly number[],
  count: readonly number[],
  local: (type: number) => number,
): ReductionCode {
  const total = local(types.v128)
  const current = local(types.v128)
  if (kind === 'greatest' || kind === 'least') {
    const neutral = number(kind === 'greatest' ? -Infinity : Infinity)
    const op = kind === 'greatest' ? f32x4.max : f32x4.min
    const both = (shuffle: readonly number[]) => [
      ...get(total),
      ...get(total),
      ...get(total),
      ...shuffle,
      ...op,
      ...set(total),
    ]
    return {
      start: [...neutral, ...set(total)],
      pass: [...get(total), ...value, ...neutral, ...mask, ...v128.select, ...op, ...set(total)],
      finish: [...both(v128.upper), ...both(v128.swapped), ...get(total)],
    }
  }
  const squared = kind === 'sumOfSquares' || kind === 'norm'
  const term = squared
    ? [...value, ...value, ...f32x4.mul]
    : kind === 'sumOfMagnitudes'
      ? [...value, ...f32x4.abs]
      : value
  const scale = kind === 'mean' ? [...count, ...f64.fromUnsigned, ...f64.div] : kind === 'norm' ? f64.sqrt : []
  return {
    start: [...number(0), ...set(total)],
    pass: [
      ...term,
      ...mask,
      ...v128.and,
      ...set(current),
      // Both halves first: the running total then waits for one addition in each turn, not for two.
      ...get(current),
      ...f64x2.fromLowF32,
      ...get(current),
      ...get(current),
      ...v128.upper,
      ...f64x2.fromLowF32,
      ...f64x2.add,
      ...get(total),
      ...f64x2.add,
      ...set(total),
    ],
    finish: [
      ...get(total),
      ...f64x2.lane(0),
      ...get(total),
      ...f64x2.lane(1),
      ...f64.add,
      ...scale,
      ...f64.toF32,
      ...f32x4.splat,
    ],
  }
}

/** Numbers whose exponent bits are all 0 keep their sign only. */
const flush: WasmFunction = {
  parameters: 2,
  locals: [types.v128],
  code: wasm.loop(
    [
      ...get(0),
      ...get(0),
      ...v128.load(),
      ...set(2),
      ...get(2),
      ...get(2),
      ...v128.lanes(...new Array<number>(4).fill(0x7f800000)),
      ...v128.and,
      ...v128.lanes(0, 0, 0, 0),
      ...i32x4.ne,
      ...v128.lanes(...new Array<number>(4).fill(-0x80000000)),
      ...v128.or,
      ...v128.and,
      ...v128.store(),
      ...get(0),
      ...i32.const(16),
      ...i32.add,
      ...set(0),
      ...get(1),
      ...i32.const(-16),
      ...i32.add,
      ...set(1),
    ],
    get(1),
  ),
}
