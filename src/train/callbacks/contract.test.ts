import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { callbacks } from '../../index.js'
import { testCallback } from '../../testing/callback.js'

const folder = mkdtempSync(join(tmpdir(), 'contract-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const fresh = (name: string) => join(folder, `${files++}`, name)

testCallback(() => callbacks.earlyStopping({ patience: 1, restoreBestWeights: true, minDelta: 0.05 }))
testCallback(() => callbacks.earlyStopping({ monitor: ['val_loss', 'gap'], when: 'any', patience: 2 }))
testCallback(() => callbacks.reduceLROnPlateau({ factor: 0.5, patience: 0, cooldown: 1, minDelta: 0.2 }))
testCallback(() => callbacks.learningRateScheduler((_, rate) => rate * 0.8))
testCallback(() => callbacks.modelCheckpoint(fresh('{epoch}.safetensors'), { saveWeightsOnly: true, keepLast: 2 }))
testCallback(() => callbacks.csvLogger(fresh('log.csv')))
testCallback(() => callbacks.jsonlLogger(fresh('history.jsonl')))
testCallback(() => callbacks.terminateOnNaN())
testCallback(() => callbacks.history())
testCallback(() => callbacks.progress({ stream: { write: () => {} } }))
testCallback(() => callbacks.lambdaCallback({ onEpochEnd: (_, logs) => void (logs.twice = 2 * logs.loss!) }))
testCallback(() => callbacks.backupAndRestore({ backupDir: fresh('backup'), saveFreq: 3 }), {
  skip: [
    {
      reason: 'evaluate and predict are no runs to back up',
      tests: ['runs beside fit, evaluate and predict'],
    },
  ],
})
