import type { Optimizer } from '../optimizer.js'

/** Name and config of a wrapped optimizer: the wrapper's options, and the optimizer inside by its own name and config. */
export const saved = (
  name: string,
  inner: Optimizer,
  options: object,
): { name: string; config: Readonly<Record<string, unknown>> } => ({
  name,
  config: { optimizer: { name: inner.name, config: inner.config }, ...options },
})
