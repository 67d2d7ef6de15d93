import { ConfigError, counterRandom, type Tensor } from '../ir/index.js'
import { initialize } from '../nn/initializers.js'
import type { Layer } from '../nn/layer.js'
import type { MetricResult } from '../nn/metrics.js'
import type { Network, Weight } from '../nn/network.js'
import { summary } from '../nn/summary.js'
import { initialValue, type Optimizer, stepInfo } from '../optim/optimizer.js'
import type { Schedule } from '../optim/schedules/schedule.js'
import type { StepInfo } from '../optim/transform.js'
import { compile, createState, type Program, type ProgramCache, type State } from '../runtime/index.js'
import type { Logs } from './accumulate.js'
import { checkLayers, sequentialNetwork } from './architecture.js'
import { asSource } from './as-source.js'
import { arraySource, type DataLike } from './batches.js'
import { checkWeights } from './check-weights.js'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint/file.js'
import { captureModel, type ModelDescription, restoreModel } from './checkpoint/model.js'
import { type Compiled, type CompileOptions, resolveCompile } from './config.js'
import { type FindLearningRateOptions, findLearningRate, type LearningRateFinding } from './find-learning-rate.js'
import { evaluateBatches, fit as runFit, trainOn } from './fit.js'
import type { History } from './history.js'
import { checkEvaluateOptions, type EvaluateOptions, type FitOptions, type PredictOptions } from './options.js'
import { predict } from './predict.js'
import { readFile } from './read.js'
import type { SampleWeight } from './sample-weight.js'
import { saveModel } from './save.js'
import { batchesOf, type TrainingSource } from './sources.js'
import {
  type BatchSignature,
  compileStep,
  type Step,
  type StepKind,
  traceEvaluationWeights,
  traceInference,
} from './step.js'
import { trainBatch } from './update.js'
import { writeFileAtomic } from './write.js'

export interface ModelOptions {
  name?: string
  /** Seed of weights, shuffling and dropout; default 0. Same seed, data and machine: same run, bit for bit. */
  seed?: number
}

/** A network with its weights: what is compiled, trained, asked and saved. */
export class Model {
  readonly name: string
  readonly seed: number
  /** Set by a callback to end training after the current event. */
  stopTraining = false
  /** Set by a callback to end evaluation or prediction after the current batch. */
  stopEvaluating = false
  stopPredicting = false
  /** Whether the optimizer's averages stand in the place of the weights, and the weights in theirs. */
  averagesSwapped = false
  /** Number of updates made. */
  step = 0
  /** Number of epochs trained, over all calls of fit. */
  epoch = 0
  #network: Network | null
  #layers: Layer[] | null
  #compiled: Compiled | null = null
  /** For which compile the state has its slots. */
  #filled: Compiled | null = null
  /** Where the state is, once there is one. */
  #device: string | null = null
  #rate: Schedule | null = null
  #training = false
  #state: Promise<State> | null = null
  /** Weights and slots while no device holds them. */
  #initial = new Map<string, Tensor>()
  /** Made for what this model is compiled to; a twin has the same. */
  #programs = new Map<string, Promise<Step | Program>>()
  #cache: ProgramCache | undefined

  constructor(net: Network | null, { name = 'model', seed = 0 }: ModelOptions = {}, layers: Layer[] | null = null) {
    this.name = name
    this.seed = seed
    this.#network = net
    this.#layers = layers
    if (net !== null) this.#initialize()
  }

  /** The architecture: inputs, outputs, layers, weights. */
  get network(): Network {
    if (this.#network === null)
      throw new ConfigError({
        code: 'no-input-shape',
        where: this.name,
        expected: 'an inputShape in the first layer',
        received: 'none',
        hint: 'say layers.dense({ units: 64, inputShape: [784] })',
      })
    return this.#network
  }

  get isCompiled(): boolean {
    return this.#compiled !== null
  }

  get compiled(): Compiled {
    if (this.#compiled === null)
      throw new ConfigError({
        code: 'not-compiled',
        where: this.name,
        expected: 'a compiled model',
        received: 'none',
        hint: "call model.compile({ optimizer: 'adam', loss: … }) first",
      })
    return this.#compiled
  }

  /** Adds a layer at the end of a sequential model. */
  add(layer: Layer): void {
    if (this.#layers === null)
      throw new ConfigError({
        code: 'not-sequential',
        where: this.name,
        expected: 'a sequential model',
        received: 'a functional one',
      })
    if (this.#state !== null)
      throw new ConfigError({
        code: 'already-built',
        where: this.name,
        expected: 'layers added before training',
        received: layer.type,
      })
    checkLayers([layer], this.name)
    this.#layers.push(layer)
    if (this.#layers[0]!.config.inputShape === undefined) return
    this.#network = sequentialNetwork(this.#layers, this.name)
    this.#compiled = null
    this.#initialize()
  }

  #initialize(): void {
    this.#initial = new Map(
      this.network.weights.map((w, i) => [
        w.path,
        initialize(w.initializer, w.shape, counterRandom(this.seed, i + 1, 0x11), w.path, w.fanShape),
      ]),
    )
  }

  /** Says how to train: optimizer, loss, metrics, device. Slots of an earlier optimizer are dropped. */
  compile(options: CompileOptions): void {
    const compiled = resolveCompile(this.network, options)
    const before = this.#compiled
    this.#compiled = compiled
    this.#rate = null
    this.#programs = new Map()
    const slots = compiled.optimizer.slots(this.trainable).map(slot => slot.name)
    const moved = this.#device !== null && this.#device !== (compiled.device ?? 'cpu')
    if (this.#state === null)
      for (const name of [...this.#initial.keys()])
        if (!this.network.weights.some(w => w.path === name) && !(before === null && slots.includes(name)))
          this.#initial.delete(name)
    if (moved) this.#device = compiled.device ?? 'cpu'
    if (this.#state !== null)
      this.#state = this.#state.then(async state => {
        for (const name of state.names)
          if (!this.network.weights.some(w => w.path === name) && !(before === null && slots.includes(name)))
            state.delete(name)
        return moved ? this.#fill(await createState(compiled), await readAll(state)) : this.#fill(state, new Map())
      })
  }

  /** The weights that training changes. */
  get trainable(): readonly Weight[] {
    return this.network.weights.filter(w => w.trainable)
  }

  /** The state on the device: weights and, once compiled, the optimizer's slots. */
  async state(): Promise<State> {
    if (this.#state === null) {
      this.#device = this.#compiled?.device ?? 'cpu'
      this.#state = createState({ device: this.#compiled?.device }).then(state => this.#fill(state, this.#initial))
    }
    const state = await this.#state
    if (this.#filled !== this.#compiled) await this.#fill(state, new Map())
    state.steps = this.step
    return state
  }

  /** Writes values, and the slots that are missing. */
  async #fill(state: State, values: ReadonlyMap<string, Tensor>): Promise<State> {
    for (const [name, value] of values) state.write(name, value)
    const compiled = this.#compiled
    for (const slot of compiled?.optimizer.slots(this.trainable) ?? [])
      if (!state.has(slot.name)) state.write(slot.name, initialValue(slot, await state.read(slot.parameter)))
    this.#filled = compiled
    return state
  }

  /** The learning rate of the next update. Setting it replaces the schedule. */
  get learningRate(): number {
    return this.stepInfo.learningRate
  }
  set learningRate(rate: Schedule) {
    this.#rate = rate
  }

  /** What was set in the place of the optimizer's learning rate; null where nothing was. */
  get learningRateOverride(): Schedule | null {
    return this.#rate
  }
  set learningRateOverride(rate: Schedule | null) {
    this.#rate = rate
  }

  /** What the host knows of the next update. */
  get stepInfo(): StepInfo {
    return stepInfo(this.compiled.optimizer, this.step, this.#rate)
  }

  get optimizer(): Optimizer {
    return this.compiled.optimizer
  }

  /**
   * Takes the model for a run of training until the returned function is called.
   * @throws ConfigError while another run has it
   */
  occupy(): () => void {
    if (this.#training)
      throw new ConfigError({
        code: 'already-training',
        where: this.name,
        expected: 'one run of fit or train at a time',
        received: 'a second one',
        hint: 'await the first, or end its iteration; models of their own can train side by side',
      })
    this.#training = true
    return () => {
      this.#training = false
    }
  }

  /** The step program for batches of a signature, compiled once. */
  stepFor(signature: BatchSignature, kind: StepKind): Promise<Step> {
    const key = JSON.stringify([kind, signature])
    const known = this.#programs.get(key) as Promise<Step> | undefined
    const step = known ?? compileStep(this.network, this.compiled, signature, kind, this.#cache)
    this.#programs.set(key, step)
    return step
  }

  /**
   * Trains. `fit(dataset, options)`, `fit({ x, y }, options)` or `fit(x, y, options)`.
   * @throws ConfigError, ShapeError or DataError for options or data that do not fit; NumericError when the loss is not
   *   finite (what was learned before is kept)
   */
  fit(x: TrainingSource, options?: FitOptions): Promise<History>
  fit(x: DataLike, y: DataLike, options?: FitOptions): Promise<History>
  fit(x: unknown, second?: unknown, third?: FitOptions): Promise<History> {
    const [source, options] = asSource(this.network, x, second, third)
    return runFit(this, source, options as FitOptions)
  }

  /**
   * Learning-rate range test (Smith 2017; fastai's lr_find): trains a twin of this model while the learning rate rises
   * exponentially from `startRate` to `endRate`, ends when the loss diverges, and reads a rate off the curve:
   * `valley` (fastai's default), `slide`, `minimum` or `steep`. The losses are smoothed by a running mean that is
   * corrected for its beginning at zero, as fastai does; this model stays exactly as it is.
   * `findLearningRate(dataset, options)`, `findLearningRate({ x, y }, options)` or `findLearningRate(x, y, options)`.
   * @throws ConfigError for options that do not fit, and when the loss diverges before there is a curve to read;
   *   NumericError when data or the first loss is not finite; the reason of `options.signal` when that is aborted
   */
  findLearningRate(x: TrainingSource, options?: FindLearningRateOptions): Promise<LearningRateFinding>
  findLearningRate(x: DataLike, y: DataLike, options?: FindLearningRateOptions): Promise<LearningRateFinding>
  async findLearningRate(x: unknown, second?: unknown, third?: FindLearningRateOptions): Promise<LearningRateFinding> {
    const [source, options] = asSource(this.network, x, second, third)
    return findLearningRate(this, source, options)
  }

  /**
   * A model of its own that is like this one in everything: weights, slots, counters, learning rate. What is done to it
   * leaves this one alone; compiled programs are shared.
   */
  async twin(): Promise<Model> {
    const layers = this.#layers === null ? null : [...this.#layers]
    const twin = new Model(null, { name: this.name, seed: this.seed }, layers)
    twin.#initial = await readAll(await this.state())
    twin.#network = this.network
    twin.#compiled = this.#compiled
    twin.#programs = this.#programs
    twin.#cache = this.#cache
    twin.#rate = this.#rate
    twin.averagesSwapped = this.averagesSwapped
    twin.step = this.step
    twin.epoch = this.epoch
    return twin
  }

  /**
   * Looks for compiled programs in a cache from now on, which other models use too: those whose graphs are equal share
   * them. Hyperparameters that are mere numbers of a formula (rates, strengths, betas) do not make graphs differ; sizes
   * and what decides which nodes there are do.
   */
  sharePrograms(cache: ProgramCache): void {
    this.#cache = cache
  }

  /** Gives back the memory of weights and slots on the device. The model is of no use from then on. */
  async release(): Promise<void> {
    const state = await this.#state
    for (const name of state?.names ?? []) state!.delete(name)
  }

  /** Training as a stream of events, for those who want to drive it themselves. Callbacks among the options still run. */
  train(x: TrainingSource, options: FitOptions = {}) {
    return trainOn(this, x, options)
  }

  /** Loss and metrics on data; without training. */
  evaluate(x: TrainingSource, options?: EvaluateOptions): Promise<Logs>
  evaluate(x: DataLike, y: DataLike, options?: EvaluateOptions): Promise<Logs>
  async evaluate(x: unknown, second?: unknown, third?: EvaluateOptions): Promise<Logs> {
    const [source, options] = asSource(this.network, x, second, third)
    return (await evaluateBatches(this, source, options as EvaluateOptions)).logs(true)
  }

  /** Like evaluate, with results that are more than a number too (a confusion matrix, F1 per class). */
  async report(x: TrainingSource, options: EvaluateOptions = {}): Promise<Record<string, MetricResult>> {
    return (await evaluateBatches(this, x, options)).results()
  }

  /** Running statistics of batch normalization, anew from one pass over the data: see `refreshStatistics`. */
  async refreshStatistics(source: TrainingSource, { batchSize = 32 }: { batchSize?: number } = {}): Promise<string[]> {
    checkEvaluateOptions('refreshStatistics', { batchSize })
    const { refreshStatistics } = await import('./refresh-statistics.js')
    return refreshStatistics(this, batchesOf(this, source, batchSize))
  }

  /** One update on one batch. Returns the batch's loss and metrics. */
  async trainOnBatch(
    x: DataLike,
    y: DataLike,
    { sampleWeight = null }: { sampleWeight?: SampleWeight | null } = {},
  ): Promise<Logs> {
    const source = arraySource(this.network, x, y, sampleWeight)
    return trainBatch(this, { x: source.x, y: source.y, sampleWeight: source.sampleWeight, size: source.length })
  }

  /**
   * The gradient of the loss (penalties included) of one batch, by the path of each trainable weight: what the next
   * update would begin with. Layers run as in training; weights and statistics stay as they are.
   */
  async gradients(
    x: DataLike,
    y: DataLike,
    { sampleWeight = null }: { sampleWeight?: SampleWeight | null } = {},
  ): Promise<Record<string, Tensor>> {
    const { modelGradients } = await import('./gradients.js')
    const source = arraySource(this.network, x, y, sampleWeight)
    return modelGradients(this, { x: source.x, y: source.y, sampleWeight: source.sampleWeight, size: source.length })
  }

  /** Predictions, batch by batch: one tensor, or one per output by name. */
  predict(x: DataLike, options: PredictOptions = {}): Promise<Tensor & Record<string, Tensor>> {
    return predict(this, x, options)
  }

  /** The program that predicts for batches of a size, compiled once. */
  inferenceFor(batch: number): Promise<Program> {
    const key = `predict ${batch}`
    const known = this.#programs.get(key) as Promise<Program> | undefined
    if (known !== undefined) return known
    const { graph, outputs } = traceInference(
      this.network,
      batch,
      (g, path, shape) => g.input(path, 'float32', shape),
      this.#compiled?.optimizer,
    )
    const program = compile(graph, {
      outputs,
      device: this.#compiled?.device,
      threads: this.#compiled?.threads,
      cache: this.#cache,
    })
    this.#programs.set(key, program)
    return program
  }

  /** A copy of all weights by path (`dense/kernel`). */
  async weights(): Promise<Record<string, Tensor>> {
    const state = await this.state()
    const entries: [string, Tensor][] = []
    for (const w of this.network.weights) entries.push([w.path, await state.read(w.path)])
    return Object.fromEntries(entries)
  }

  /** The weights that are evaluated, predicted and saved with: averages, where the optimizer keeps some, else `weights()`. */
  async evaluationWeights(): Promise<Record<string, Tensor>> {
    const weights = await this.weights()
    if (this.#compiled?.optimizer.evaluate === undefined) return weights
    const { graph, outputs, paths } = traceEvaluationWeights(this.network, this.#compiled.optimizer)
    if (Object.keys(outputs).length === 0) return weights
    const program = await compile(graph, { outputs, device: this.#compiled.device })
    const evaluated = await program.run({}, await this.state())
    return {
      ...weights,
      ...Object.fromEntries(Object.entries(evaluated).map(([name, value]) => [paths[name]!, value])),
    }
  }

  /** Replaces weights by path; averages and other slots that begin with a weight's value begin anew. Unknown paths and wrong shapes are errors, and then nothing is changed. */
  setWeights(weights: Readonly<Record<string, Tensor>>): void {
    checkWeights(this.network, weights)
    this.restore(weights)
    const slots = this.#state === null ? [] : (this.#compiled?.optimizer.slots(this.trainable) ?? [])
    this.restore(
      Object.fromEntries(
        slots
          .filter(slot => slot.initial === 'parameter' && slot.parameter in weights)
          .map(slot => [slot.name, weights[slot.parameter]!]),
      ),
    )
  }

  /** Writes weights and slots as they are, unchecked: for checkpoints. */
  restore(tensors: Readonly<Record<string, Tensor>>): void {
    if (this.#state === null) for (const [name, t] of Object.entries(tensors)) this.#initial.set(name, t)
    else
      this.#state = this.#state.then(state => {
        for (const [name, t] of Object.entries(tensors)) state.write(name, t)
        return state
      })
  }

  /** The optimizer's slots by name (`adam/m/dense/kernel`). */
  async slots(): Promise<Record<string, Tensor>> {
    const state = await this.state()
    const entries: [string, Tensor][] = []
    for (const slot of this.compiled.optimizer.slots(this.trainable))
      entries.push([slot.name, await state.read(slot.name)])
    return Object.fromEntries(entries)
  }

  /** Weights as .safetensors. */
  async saveWeights(path: string): Promise<void> {
    const { encodeSafetensors } = await import('../ir/safetensors.js')
    await writeFileAtomic(path, encodeSafetensors(await this.weights(), { format: 'anneal' }))
  }

  /** Weights from .safetensors, by path. */
  async loadWeights(path: string): Promise<void> {
    const { decodeSafetensors } = await import('../ir/safetensors.js')
    this.setWeights(decodeSafetensors(await readFile(path)).tensors)
  }

  /** Weights, the optimizer's slots, counters and learning rate as one file (.safetensors with a checksum), whole or not at all. */
  async saveCheckpoint(path: string): Promise<void> {
    const { description, tensors } = await captureModel(this)
    await writeFileAtomic(path, await encodeCheckpoint({ description: { model: description }, tensors }))
  }

  /**
   * Goes back to a checkpoint: one of `saveCheckpoint`, or of a run (`callbacks.backupAndRestore`).
   * `optimizer: false` takes weights and counters alone. Nothing is changed unless all fits.
   * @throws FormatError for a damaged file, and for another architecture or optimizer, naming the first parameter that
   *   differs; DataError if there is no such file; ConfigError if the model is not compiled
   */
  async loadCheckpoint(path: string, options: { optimizer?: boolean } = {}): Promise<void> {
    const { description, tensors } = await decodeCheckpoint(await readFile(path), path)
    const { model } = description as { model: ModelDescription } // its checksum is right
    await restoreModel(this, model, tensors, path, options)
  }

  /** An ordinary ONNX file that predicts, with a symbolic batch axis; it also holds what `loadModel` needs to go on training. */
  save(path: string, options: { optimizer?: boolean } = {}): Promise<void> {
    return saveModel(this, path, options)
  }

  /** Layers, output shapes and numbers of weights as a table. */
  summary(): string {
    return summary(this.network)
  }

  countParams(): number {
    return this.network.weights.reduce((total, w) => total + w.shape.reduce((a, b) => a * b, 1), 0)
  }
}

async function readAll(state: State): Promise<Map<string, Tensor>> {
  const all = new Map<string, Tensor>()
  for (const name of state.names) all.set(name, await state.read(name))
  return all
}
