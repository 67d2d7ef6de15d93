/** A WebAssembly module as bytes: what the kernels of a fused update need of the format, and no more. */

/** One function: its parameters are i32; locals are declared as they are asked for. */
export interface WasmFunction {
  readonly parameters: number
  /** Types of the locals after the parameters. */
  readonly locals: readonly number[]
  readonly code: readonly number[]
}

export const types = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const
const EMPTY = 0x40

/** An unsigned number in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  do {
    const low = value % 128
    value = Math.floor(value / 128)
    bytes.push(value > 0 ? low | 0x80 : low)
  } while (value > 0)
  return bytes
}

/** A signed 32-bit number in LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = []
  for (;;) {
    const low = value & 0x7f
    value >>= 7
    if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

/** The four bytes of a float32, lowest first. */
export const float32 = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)]

const simd = (op: number): readonly number[] => [0xfd, ...unsigned(op)]
/** Offset and alignment of an access: to 16 bytes for vectors, 4 for numbers. */
const at = (align: number, offset = 0): number[] => [align, ...unsigned(offset)]

/** Instructions, as they follow their operands on the stack. */
export const wasm = {
  get: (local: number) => [0x20, ...unsigned(local)],
  set: (local: number) => [0x21, ...unsigned(local)],
  call: (index: number) => [0x10, ...unsigned(index)],
  drop: [0x1a],
  i32: {
    const: (value: number) => [0x41, ...signed(value)],
    load: (offset = 0) => [0x28, ...at(2, offset)],
    add: [0x6a],
    and: [0x71],
    shl: [0x74],
    lessUnsigned: [0x49],
  },
  f64: {
    add: [0xa0],
    div: [0xa3],
    sqrt: [0x9f],
    fromUnsigned: [0xb8],
    toF32: [0xb6],
  },
  v128: {
    load: (offset = 0) => [...simd(0x00), ...at(4, offset)],
    /** One number in all four lanes. */
    load32Splat: (offset = 0) => [...simd(0x09), ...at(2, offset)],
    store: (offset = 0) => [...simd(0x0b), ...at(4, offset)],
    /** Four equal 32-bit lanes. */
    splat: (bytes: readonly number[]) => [...simd(0x0c), ...bytes, ...bytes, ...bytes, ...bytes],
    lanes: (...values: readonly number[]) => [
      ...simd(0x0c),
      ...values.flatMap(value => [...new Uint8Array(Int32Array.of(value).buffer)]),
    ],
    /** The upper two of four lanes brought down. */
    upper: [...simd(0x0d), 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15],
    /** Lanes in the order 1 0 3 2. */
    swapped: [...simd(0x0d), 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11],
    not: simd(0x4d),
    and: simd(0x4e),
    andNot: simd(0x4f),
    or: simd(0x50),
    xor: simd(0x51),
    /** a, b, mask → a where the mask is set, b elsewhere. */
    select: simd(0x52),
  },
  i32x4: {
    splat: simd(0x11),
    ne: simd(0x38),
    lessSigned: simd(0x39),
    add: simd(0xae),
  },
  f32x4: {
    splat: simd(0x13),
    eq: simd(0x41),
    ne: simd(0x42),
    lt: simd(0x43),
    gt: simd(0x44),
    le: simd(0x45),
    ge: simd(0x46),
    ceil: simd(0x67),
    floor: simd(0x68),
    nearest: simd(0x6a),
    abs: simd(0xe0),
    neg: simd(0xe1),
    sqrt: simd(0xe3),
    add: simd(0xe4),
    sub: simd(0xe5),
    mul: simd(0xe6),
    div: simd(0xe7),
    min: simd(0xe8),
    max: simd(0xe9),
    /** b < a ? b : a */
    pmin: simd(0xea),
    /** a < b ? b : a */
    pmax: simd(0xeb),
  },
  f64x2: {
    lane: (index: number) => [...simd(0x21), index],
    fromLowF32: simd(0x5f),
    add: simd(0xf0),
  },
  /** Runs `body` again while `condition`, which leaves an i32, is not 0. */
  loop: (body: readonly number[], condition: readonly number[]) => [
    0x03,
    EMPTY,
    ...body,
    ...condition,
    0x0d,
    0x00,
    0x0b,
  ],
} as const

const section = (id: number, items: readonly (readonly number[])[]): number[] => {
  const content = [...unsigned(items.length), ...items.flat()]
  return [id, ...unsigned(content.length), ...content]
}
const text = (value: string): number[] => [...unsigned(value.length), ...new TextEncoder().encode(value)]

/**
 * A module that imports the memory `env.memory` and exports some of its functions by name.
 * Functions have the numbers of their places in the list.
 */
export function wasmModule(
  functions: readonly WasmFunction[],
  exported: Readonly<Record<string, number>>,
): Uint8Array<ArrayBuffer> {
  const arities = [...new Set(functions.map(f => f.parameters))]
  const body = ({ locals, code }: WasmFunction): number[] => {
    const runs: [number, number][] = []
    for (const type of locals) {
      const last = runs.at(-1)
      if (last?.[1] === type) last[0]++
      else runs.push([1, type])
    }
    const content = [
      ...unsigned(runs.length),
      ...runs.flatMap(([count, type]) => [...unsigned(count), type]),
      ...code,
      0x0b,
    ]
    return [...unsigned(content.length), ...content]
  }
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      arities.map(n => [0x60, ...unsigned(n), ...new Array<number>(n).fill(types.i32), 0x00]),
    ),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, 0x00]]),
    ...section(
      3,
      functions.map(f => unsigned(arities.indexOf(f.parameters))),
    ),
    ...section(
      7,
      Object.entries(exported).map(([name, index]) => [...text(name), 0x00, ...unsigned(index)]),
    ),
    ...section(10, functions.map(body)),
  ])
}
