export { commonSubexpressions } from './common-subexpressions.js'
export { type Evaluate, foldConstants } from './fold-constants.js'
export { removeIdentities } from './remove-identities.js'
