import type { Tensor } from '../ir/index.js'

/**
 * What training takes from a dataset, one example at a time or, after `batch`, with a leading batch axis on every
 * tensor. Several inputs or targets are records by name. `sampleWeight` is one float32 number per example.
 */
export interface Example {
  readonly x: Tensor | Readonly<Record<string, Tensor>>
  readonly y?: Tensor | Readonly<Record<string, Tensor>>
  readonly sampleWeight?: Tensor
}

/** A record of tensors, nested to any depth; parts that are undefined are left out. */
export type TensorTree = Tensor | Example | { readonly [name: string]: TensorTree | undefined }

export const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value

/** Plain objects: what elements are made of besides tensors, arrays and scalars. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
