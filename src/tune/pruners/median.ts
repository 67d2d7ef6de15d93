import { percentilePruner, type StartOptions } from './percentile.js'
import type { Pruner } from './pruner.js'

/**
 * The median stopping rule (Golovin et al. 2017): prunes a trial whose best report so far is worse than the median of
 * what complete trials reported at the same step; `percentile(50)`.
 * @throws ConfigError for options out of range
 */
export const median = (options: StartOptions = {}): Pruner => percentilePruner('median', 50, options)
