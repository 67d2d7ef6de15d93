import { parentPort, workerData } from 'node:worker_threads'
import { beatsHere, type ThreadMessage } from './beat.js'
import { openStorage } from './open.js'

// The thread of `withBeats`: opens the storage whose URL it is given, says so, and keeps the trials alive that it is told of.
// An error ends it, and its maker goes on by itself.
const port = parentPort!
const storage = await openStorage(workerData as string) // what its maker gives it
const beats = beatsHere(storage)
const kept = new Map<number, () => void>()
const rest = (trial: number) => {
  kept.get(trial)?.()
  kept.delete(trial)
}
port.on('message', async (message: ThreadMessage) => {
  if (message.kind === 'keep') {
    rest(message.beat.trial)
    kept.set(message.beat.trial, beats.keep(message.beat))
  } else if (message.kind === 'rest') rest(message.trial)
  else {
    for (const trial of [...kept.keys()]) rest(trial)
    await storage.close()
    port.close()
  }
})
port.postMessage('open')
