import { listDevices } from '../../src/index.js'
import { survive, train } from './recipe.js'

/** What the test asks of the page. */
export const anneal = { train, survive, listDevices }
Object.assign(globalThis, { anneal })
