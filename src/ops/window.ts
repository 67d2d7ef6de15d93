import { addDim, type Dim, divDim, isStatic, type Shape, ShapeError, type Value } from '../ir/index.js'

/** How a window slides over the spatial axes of a tensor: what Conv, ConvTranspose and the pools share. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Padding before and after each spatial axis. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

export interface WindowAttrs {
  readonly auto_pad: string
  readonly dilations?: readonly number[] | undefined
  readonly kernel_shape?: readonly number[] | undefined
  readonly pads?: readonly number[] | undefined
  readonly strides?: readonly number[] | undefined
}

/** A window with every default filled in and its attributes checked; padding not yet known where auto_pad decides it. */
function givenWindow(x: Value, kernel: readonly number[], attrs: WindowAttrs, where: string): Window {
  const rank = kernel.length
  if (x.shape.length !== rank + 2 || rank === 0)
    throw new ShapeError({
      code: 'window-rank',
      where,
      expected: `[batch, channels] and ${Math.max(rank, 1)} spatial axes`,
      received: x.shape,
    })
  const ones = new Array<number>(rank).fill(1)
  const strides = attrs.strides ?? ones
  const dilations = attrs.dilations ?? ones
  const none = new Array<number>(2 * rank).fill(0)
  const pads = attrs.auto_pad === 'NOTSET' ? (attrs.pads ?? none) : none
  for (const [name, list, length, least] of [
    ['kernel_shape', kernel, rank, 1],
    ['strides', strides, rank, 1],
    ['dilations', dilations, rank, 1],
    ['pads', pads, 2 * rank, 0],
  ] as const)
    if (list.length !== length || list.some(n => n < least))
      throw new ShapeError({
        code: 'window-attribute',
        where,
        expected: `${length} numbers ≥ ${least} in ${name}`,
        received: list,
      })
  return { kernel, strides, dilations, before: pads.slice(0, rank), after: pads.slice(rank) }
}

/** How far the window reaches along each axis, itself included. */
export const reachOf = (w: Window): number[] => w.kernel.map((k, i) => w.dilations[i]! * (k - 1) + 1)

const isSame = (attrs: WindowAttrs): boolean => attrs.auto_pad === 'SAME_UPPER' || attrs.auto_pad === 'SAME_LOWER'

/** A window with every default filled in and auto_pad made numbers. */
export function resolveWindow(x: Value, kernel: readonly number[], attrs: WindowAttrs, where: string): Window {
  const w = givenWindow(x, kernel, attrs, where)
  if (!isSame(attrs)) return w
  const reach = reachOf(w)
  const total = w.strides.map((stride, i) => {
    if (stride === 1) return reach[i]! - 1
    const extent = x.shape[i + 2]!
    if (typeof extent !== 'number') return unknownSpatial(x, 'static spatial extents for SAME padding', where)
    return Math.max(0, (Math.ceil(extent / stride) - 1) * stride + reach[i]! - extent)
  })
  const small = total.map(t => Math.floor(t / 2))
  const large = total.map((t, i) => t - small[i]!)
  return attrs.auto_pad === 'SAME_UPPER' ? { ...w, before: small, after: large } : { ...w, before: large, after: small }
}

const unknownSpatial = (x: Value, expected: string, where: string): never => {
  throw new ShapeError({
    code: 'dynamic-spatial',
    where,
    expected,
    received: x.shape,
    hint: 'give these dimensions numbers: importOnnx(bytes, { dims: { height: 224, width: 224 } })',
  })
}

/** Spatial extents after sliding the window over `x`. */
export function slideShape(
  x: Value,
  kernel: readonly number[],
  attrs: WindowAttrs & { ceil_mode?: number },
  where: string,
): Dim[] {
  const spatial = x.shape.slice(2)
  if (isSame(attrs)) {
    const { strides } = givenWindow(x, kernel, attrs, where)
    return spatial.map((extent, i) => divDim(addDim(extent, strides[i]! - 1), strides[i]!))
  }
  const w = givenWindow(x, kernel, attrs, where)
  const reach = reachOf(w)
  const ceil = attrs.ceil_mode === 1
  return spatial.map((extent, i) => {
    const room = addDim(extent, w.before[i]! + w.after[i]! - reach[i]!)
    const stride = w.strides[i]!
    if (typeof room !== 'number') {
      const shrink = reach[i]! - 1 - w.before[i]! - w.after[i]!
      if (stride === 1) return shrink > 0 ? `(${extent}-${shrink})` : addDim(extent, -shrink)
      return addDim(divDim(ceil ? addDim(room, stride - 1) : room, stride), 1)
    }
    if (room < 0)
      throw new ShapeError({
        code: 'window-too-large',
        where,
        expected: `a window of at most ${Number(extent) + w.before[i]! + w.after[i]!} (padding included) on spatial axis ${i}`,
        received: reach[i],
        hint: "use padding 'same' or a smaller kernel",
      })
    if (!ceil) return Math.floor(room / stride) + 1
    const out = Math.ceil(room / stride) + 1
    // A last window that would begin in the padding after the input is left out.
    return (out - 1) * stride >= Number(extent) + w.before[i]! ? out - 1 : out
  })
}

/** Attributes for a node, with explicit pads. */
export const windowAttrs = (w: Window) => ({
  strides: w.strides,
  dilations: w.dilations,
  pads: [...w.before, ...w.after],
})

/** The spatial extents where all are numbers. */
export const spatialOf = (x: Value): number[] | undefined => {
  const spatial: Shape = x.shape.slice(2)
  return isStatic(spatial) ? [...spatial] : undefined
}

/** Static spatial extents, or an error that says how to get them. */
export const staticSpatial = (x: Value, where: string): number[] =>
  spatialOf(x) ?? unknownSpatial(x, 'static spatial extents for this gradient', where)

/** Every offset within a window, first axis slowest: ONNX's order of kernel elements. */
export function offsets(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (list, k) => list.flatMap(head => Array.from({ length: k }, (_, i) => [...head, i])),
    [[]],
  )
}
