import { addDim, type Dim, divDim, type Shape, ShapeError, type Value } from '../ir/index.js'

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

/** A window with every default filled in and auto_pad made numbers. */
export function resolveWindow(x: Value, kernel: readonly number[], attrs: WindowAttrs, where: string): Window {
  const rank = kernel.length
  if (x.shape.length !== rank + 2)
    throw new ShapeError({
      code: 'window-rank',
      where,
      expected: `[batch, channels] and ${rank} spatial axes`,
      received: x.shape,
    })
  const ones = new Array<number>(rank).fill(1)
  const strides = attrs.strides ?? ones
  const dilations = attrs.dilations ?? ones
  for (const [name, list, length] of [
    ['strides', strides, rank],
    ['dilations', dilations, rank],
    ['pads', attrs.pads ?? new Array(2 * rank).fill(0), 2 * rank],
  ] as const)
    if (list.length !== length)
      throw new ShapeError({
        code: 'window-attribute',
        where,
        expected: `${length} numbers in ${name}`,
        received: list,
      })
  if (attrs.auto_pad === 'SAME_UPPER' || attrs.auto_pad === 'SAME_LOWER') {
    const total = kernel.map((k, i) => {
      const extent = x.shape[i + 2]!
      const reach = dilations[i]! * (k - 1) + 1
      if (strides[i] === 1) return reach - 1
      if (typeof extent !== 'number')
        throw new ShapeError({
          code: 'dynamic-padding',
          where,
          expected: 'static spatial extents for SAME padding',
          received: x.shape,
          hint: 'bind the dimensions when importing',
        })
      return Math.max(0, (Math.ceil(extent / strides[i]!) - 1) * strides[i]! + reach - extent)
    })
    const small = total.map(t => Math.floor(t / 2))
    const large = total.map(t => Math.ceil(t / 2))
    return {
      kernel,
      strides,
      dilations,
      before: attrs.auto_pad === 'SAME_UPPER' ? small : large,
      after: attrs.auto_pad === 'SAME_UPPER' ? large : small,
    }
  }
  const pads = attrs.auto_pad === 'VALID' || attrs.pads === undefined ? new Array<number>(2 * rank).fill(0) : attrs.pads
  return { kernel, strides, dilations, before: pads.slice(0, rank), after: pads.slice(rank) }
}

/** Extents after sliding the window. */
export function slideShape(spatial: Shape, w: Window, ceil: boolean, where: string): Dim[] {
  return spatial.map((extent, i) => {
    const reach = w.dilations[i]! * (w.kernel[i]! - 1) + 1
    const room = addDim(extent, w.before[i]! + w.after[i]! - reach)
    if (typeof room !== 'number') return w.strides[i] === 1 ? addDim(room, 1) : addDim(divDim(room, w.strides[i]!), 1)
    if (room < 0)
      throw new ShapeError({
        code: 'window-too-large',
        where,
        expected: `a window of at most ${extent} with its padding on spatial axis ${i}`,
        received: reach,
        hint: "use padding 'same' or a smaller kernel",
      })
    if (!ceil) return Math.floor(room / w.strides[i]!) + 1
    const out = Math.ceil(room / w.strides[i]!) + 1
    // A last window that would begin in the padding after the input is left out.
    return (out - 1) * w.strides[i]! >= Number(extent) + w.before[i]! ? out - 1 : out
  })
}

/** Attributes for a node, with explicit pads. */
export const windowAttrs = (w: Window) => ({
  strides: w.strides,
  dilations: w.dilations,
  pads: [...w.before, ...w.after],
})

/** Static spatial extents, or an error that says how to get them. */
export function staticSpatial(x: Value, where: string): number[] {
  const spatial = x.shape.slice(2)
  if (spatial.some(dim => typeof dim !== 'number'))
    throw new ShapeError({
      code: 'dynamic-spatial',
      where,
      expected: 'static spatial extents for a gradient',
      received: x.shape,
      hint: 'bind the dimensions when importing: { dims: { height: 224 } }',
    })
  return spatial as number[]
}

/** Every offset within a window, first axis slowest: ONNX's order of kernel elements. */
export function offsets(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (list, k) => list.flatMap(head => Array.from({ length: k }, (_, i) => [...head, i])),
    [[]],
  )
}
