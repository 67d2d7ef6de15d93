export type { Callback } from './callback.js'
export { earlyStopping } from './early-stopping.js'
export { progress } from './progress.js'
