#!/usr/bin/env node
import { Command } from 'commander'
import { studyCommand } from './study.js'
import { tuneCommand } from './tune.js'
import { workerCommand } from './worker.js'

const program = new Command('anneal')
  .description('Train, regularize, tune and adapt neural networks in TypeScript, on ONNX Runtime')
  .showHelpAfterError('(anneal --help lists the commands)')

program
  .command('quickstart')
  .description('train a digit classifier, and see what regularization does to one that overfits (under a minute)')
  .option('--seed <number>', 'seed of weights, shuffling and dropout', '0')
  .option('--small <number>', 'examples in the deliberately small training set', '500')
  .option('--out <folder>', 'where the run folder goes', 'runs')
  // What it needs takes a while to load, and workers start often.
  .action(async options => (await import('./quickstart.js')).runQuickstart(options))

program
  .command('compare')
  .argument('<what>', 'regularizers, optimizers, schedules, samplers, …')
  .description(
    'train one network side by side with each of them, over several seeds; writes a page of curves (minutes)',
  )
  .option('--seeds <number>', 'trainings of each variant (default: 5)')
  .option('--epochs <number>', 'passes over the training digits (default: 25 for regularizers, else 20)')
  .option('--examples <number>', 'training digits (default: 1000)')
  .option('--wrong <share>', 'share of training labels made wrong (default: 0.1 for regularizers, else 0)')
  .option('--trials <number>', 'of samplers: trials of each search (default: 36)')
  .option('--only <names>', 'only these, with commas between')
  .option('--tune', 'try five learning rates for each variant first, and keep the best')
  .option('--quick', 'less of everything, in seconds')
  .option('--seed <number>', 'first of the seeds (default: 0)')
  .option('--out <folder>', 'where the run folder goes', 'runs')
  .action(async (what, options) => (await import('./compare.js')).runCompare(what, options))

program.addCommand(tuneCommand).addCommand(workerCommand).addCommand(studyCommand)

program.parseAsync().catch((error: unknown) => {
  const known = error instanceof Error && 'code' in error
  process.stderr.write(
    `${known ? `${error.name}: ${error.message}` : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exitCode = 1
})
