import { ConfigError } from '../../ir/index.js'
import { kubernetes } from './kubernetes.js'
import type { Launcher } from './launcher.js'
import { ray } from './ray.js'
import { slurm } from './slurm.js'
import type { Place } from './template.js'

/** Ways of starting workers, one a file. */
export { kubernetes } from './kubernetes.js'
export {
  type Fleet,
  type FleetState,
  type JobFile,
  type Launcher,
  type LaunchRequest,
  STORAGE_VARIABLE,
} from './launcher.js'
export { type LocalOptions, local, type WorkerNews, type WorkerOrder } from './local.js'
export { ray } from './ray.js'
export { slurm } from './slurm.js'
export type { Place } from './template.js'

/** The launcher that `--on` names. @throws ConfigError for any other name */
export function launcherFor(on: string, place: Place): Launcher {
  if (on.startsWith('ray://')) return ray(on, place)
  if (on === 'slurm') return slurm(place)
  if (on === 'kubernetes') return kubernetes(place)
  throw new ConfigError({
    code: 'bad-option',
    where: '--on',
    expected: 'ray://host:8265, slurm or kubernetes',
    received: on,
    hint: 'without --on the workers are processes of this machine',
  })
}
