import { testPruner } from '../../testing/index.js'
import { hyperband, median, nop, patient, percentile, successiveHalving, threshold, wilcoxon } from './index.js'

const DOMINATED = 'with several objectives prunes trials that others dominate, and none that is better in all'

testPruner(nop, { skip: [{ reason: 'never prunes', tests: ['prunes some trials and not all', DOMINATED] }] })
testPruner(() => median({ nStartupTrials: 2, nWarmupSteps: 1 }))
testPruner(() => percentile(30, { nStartupTrials: 1, intervalSteps: 2 }))
testPruner(() => successiveHalving({ minResource: 1, reductionFactor: 2 }))
testPruner(() => successiveHalving({ reductionFactor: 3 }))
testPruner(() => hyperband({ minResource: 1, maxResource: 8, reductionFactor: 2 }), {
  skip: [{ reason: 'a bracket may let the only trials in it go on', tests: [DOMINATED] }],
})
testPruner(() => hyperband({ reductionFactor: 2 }), {
  skip: [{ reason: 'a bracket may let the only trials in it go on', tests: [DOMINATED] }],
})
testPruner(() => patient(null, { patience: 2 }))
testPruner(() => patient(median({ nStartupTrials: 2 }), { patience: 1 }))
testPruner(() => threshold({ upper: [1, null] }), {
  skip: [{ reason: 'bounds do not turn with the direction', tests: ['maximizes as it minimizes'] }],
})
testPruner(() => wilcoxon({ pThreshold: 0.1 }))
