import { rewrite, type Traced } from '../ir/index.js'

/** The passes every program goes through. */
export async function optimize(traced: Traced): Promise<Traced> {
  return rewrite(traced)
}
